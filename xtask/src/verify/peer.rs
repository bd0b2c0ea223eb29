//! A program of others that measures what we measure.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use echospec::deadline::until;
use echospec::server::{LaunchOptions, Server, Spec, Start};
use echospec::transport::{Address, Transport};

use super::bounded;

/// The longest that one measurement of any of them takes.
const DEADLINE: Duration = Duration::from_secs(20);

/// How long a daemon may take until it answers.
const READY: Duration = Duration::from_secs(10);

/// One figure of one program.
pub struct Peer {
    /// Who measures.
    pub name: &'static str,
    /// Our name of what it measures.
    pub mechanism: &'static str,
    /// The bytes of a message.
    pub size: usize,
    pub better: Better,
    pub tells: Tells,
    /// The environment variable that names the directory of its programs; `None` where they are in PATH.
    pub place: Option<&'static str>,
    pub server: Served,
    pub client: &'static [&'static str],
    /// What stands before and behind the figure in what it prints.
    pub figure: (&'static str, &'static str),
    /// By what the figure is to be multiplied, for µs or MB/s of both directions.
    pub unit: f64,
}

/// Which figures are the better ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Round trips.
    Less,
    /// Throughput.
    More,
}

/// Which figure it prints.
#[derive(Clone, Copy)]
pub enum Tells {
    /// Half of its messages were faster.
    Median,
    /// The sum by the number.
    Mean,
    /// Of several means, which are of some ten thousand messages each, the middle one.
    MedianOfMeans,
}

/// How its other side comes to be.
pub enum Served {
    /// It starts that itself.
    ByItself,
    /// By a command, which stays in the foreground.
    Launched(&'static str, &'static [&'static str]),
    /// By a command that leaves a daemon behind, and another that ends it.
    Daemon(&'static [&'static str], &'static [&'static str]),
}

impl Better {
    pub const fn unit(self) -> &'static str {
        match self {
            Better::Less => "µs",
            Better::More => "MB/s",
        }
    }
}

impl Peer {
    /// `tcp 64 B, median, sockperf`
    pub fn title(&self) -> String {
        let what = match (self.better, self.tells) {
            (Better::More, _) => "throughput",
            (_, Tells::Median) => "median",
            (_, Tells::Mean) => "mean",
            (_, Tells::MedianOfMeans) => "median of means",
        };
        format!("{} {} B, {what}, {}", self.mechanism, self.size, self.name)
    }

    /// Why it cannot be asked, if that is so.
    pub fn missing(&self) -> Option<String> {
        let program = self.client.first()?;
        match self.place {
            Some(variable) => match self.folder() {
                None => Some(format!("absent: {variable} is not set")),
                Some(folder) if !folder.join(program).is_file() => {
                    Some(format!("absent: no {program} in {variable}"))
                }
                Some(_) => None,
            },
            None => {
                let path = env::var_os("PATH").unwrap_or_default();
                let found = env::split_paths(&path).any(|folder| folder.join(program).is_file());
                (!found).then(|| format!("absent: no {program} in PATH"))
            }
        }
    }

    /// Its figure, measured once on `processor`.
    pub fn measure(&self, processor: usize) -> Result<f64> {
        let told = match &self.server {
            Served::ByItself => self.ask(processor, None),
            Served::Launched(transport, words) => {
                let server = self.launch(transport, words, processor)?;
                self.ask(processor, Some(server.address()))
            }
            Served::Daemon(start, stop) => {
                bounded::start(&self.words(start, None), processor)?;
                let told = until(READY, || Ok(self.ask(processor, None).ok()));
                // It may have gone already; then this says so, which is of no interest.
                let _ = self.run(stop, processor, None);
                told.map_err(|it| anyhow!(it.reason))?.context("its daemon does not answer")
            }
        }?;
        figure(&told, self.figure)
            .map(|value| value * self.unit)
            .with_context(|| format!("no figure in: {told}"))
    }

    fn launch(&self, transport: &str, words: &[&str], processor: usize) -> Result<Server> {
        let transport = Transport::named(transport).context("no such transport")?;
        let processor = processor.to_string();
        let pinned = ["taskset", "-c", &processor].into_iter().chain(words.iter().copied());
        let spec = Spec::new(transport, Start::Bind, pinned)?;
        Ok(Server::launch(&spec, LaunchOptions { seed: 1, ..LaunchOptions::default() })?)
    }

    fn ask(&self, processor: usize, address: Option<&Address>) -> Result<String> {
        self.run(self.client, processor, address)
    }

    fn run(&self, words: &[&str], processor: usize, address: Option<&Address>) -> Result<String> {
        bounded::run(&self.words(words, address), processor, DEADLINE)
    }

    fn words(&self, words: &[&str], address: Option<&Address>) -> Vec<String> {
        let mut words: Vec<String> = words.iter().map(|word| fill(word, address)).collect();
        if let (Some(folder), Some(program)) = (self.folder(), words.first_mut()) {
            *program = folder.join(&program).to_string_lossy().into_owned();
        }
        words
    }

    fn folder(&self) -> Option<PathBuf> {
        env::var_os(self.place?).map(|folder| Path::new(&folder).to_owned())
    }
}

fn fill(word: &str, address: Option<&Address>) -> String {
    match address {
        Some(Address::Inet(inet)) => {
            word.replace("{port}", &inet.port().to_string()).replace("{host}", &inet.ip().to_string())
        }
        _ => word.to_owned(),
    }
}

/// The number between two texts.
fn figure(text: &str, (before, behind): (&str, &str)) -> Option<f64> {
    let rest = if before.is_empty() { text } else { text.split(before).nth(1)? };
    let field = rest.split(behind).next()?;
    field.split_whitespace().last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn figures_are_found_in_what_peers_print() {
        let sockperf =
            "sockperf: ---> percentile 75.000 =   16.384\nsockperf: ---> percentile 50.000 =   13.960\n";
        assert_eq!(figure(sockperf, ("percentile 50.000 =", "\n")), Some(13.96));
        let perf = "     Total time: 0.107 [sec]\n\n       5.354100 usecs/op\n         186772 ops/sec\n";
        assert_eq!(figure(perf, ("", "usecs/op")), Some(5.3541));
        assert_eq!(figure("Pipe latency: 5.2611 microseconds\n", ("latency:", "microseconds")), Some(5.2611));
        assert_eq!(figure("Average duration:   13.821\tus\n", ("Average duration:", "us")), Some(13.821));
        assert_eq!(figure("nothing of the kind", ("latency:", "microseconds")), None);
    }
}

//! Other programs that measure the same as echospec.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use echospec::deadline::until;
use echospec::server::{LaunchOptions, Server, Spec, Start};
use echospec::transport::{Address, Transport};

use crate::subprocess;

/// The deadline of one measurement.
const DEADLINE: Duration = Duration::from_secs(20);

/// The deadline until a daemon answers.
const READY: Duration = Duration::from_secs(10);

/// A measurement of another program.
pub struct Peer {
    /// The name of the program or suite.
    pub name: &'static str,
    /// The name of the mechanism in echospec.
    pub mechanism: &'static str,
    /// The size of a message in bytes.
    pub size: usize,
    pub better: Better,
    pub statistic: Statistic,
    /// The environment variable with the directory of its programs. `None` if they are in PATH.
    pub directory_variable: Option<&'static str>,
    pub server: ServerStart,
    pub client: &'static [&'static str],
    /// The texts before and after the value in its output.
    pub delimiters: (&'static str, &'static str),
    /// The factor from its value to µs, or to MB/s of both directions.
    pub factor: f64,
}

/// Whether lower or higher values are better.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// For round trips.
    Lower,
    /// For throughput.
    Higher,
}

/// The statistic that a program prints.
#[derive(Clone, Copy)]
pub enum Statistic {
    /// The median of all messages.
    Median,
    /// The mean of all messages.
    Mean,
    /// The median of several means, each of about ten thousand messages.
    MedianOfMeans,
}

/// How the peer's server is started.
pub enum ServerStart {
    /// The client program starts it.
    ByClient,
    /// By a command that stays in the foreground, with its transport.
    Launched(&'static str, &'static [&'static str]),
    /// By a command that starts a daemon, and another that ends it.
    Daemon(&'static [&'static str], &'static [&'static str]),
}

impl Better {
    pub const fn unit(self) -> &'static str {
        match self {
            Better::Lower => "µs",
            Better::Higher => "MB/s",
        }
    }
}

impl Peer {
    /// `tcp 64 B, median, sockperf`
    pub fn title(&self) -> String {
        let what = match (self.better, self.statistic) {
            (Better::Higher, _) => "throughput",
            (_, Statistic::Median) => "median",
            (_, Statistic::Mean) => "mean",
            (_, Statistic::MedianOfMeans) => "median of means",
        };
        format!("{} {} B, {what}, {}", self.mechanism, self.size, self.name)
    }

    /// Returns the reason why it cannot run, if it cannot.
    pub fn missing(&self) -> Option<String> {
        let program = self.client.first()?;
        match self.directory_variable {
            Some(variable) => match self.directory() {
                None => Some(format!("absent: {variable} is not set")),
                Some(directory) if !directory.join(program).is_file() => {
                    Some(format!("absent: no {program} in {variable}"))
                }
                Some(_) => None,
            },
            None => {
                let path = env::var_os("PATH").unwrap_or_default();
                let found = env::split_paths(&path).any(|directory| directory.join(program).is_file());
                (!found).then(|| format!("absent: no {program} in PATH"))
            }
        }
    }

    /// Measures once on `processor`.
    pub fn measure(&self, processor: usize) -> Result<f64> {
        let output = match &self.server {
            ServerStart::ByClient => self.run_client(processor, None),
            ServerStart::Launched(transport, words) => {
                let server = self.launch(transport, words, processor)?;
                self.run_client(processor, Some(server.address()))
            }
            ServerStart::Daemon(start, stop) => {
                subprocess::start_daemon(&self.words(start, None), processor)?;
                let output = until(READY, || Ok(self.run_client(processor, None).ok()));
                // Fails if the daemon has ended already.
                let _ = self.run(stop, processor, None);
                output.map_err(|it| anyhow!(it.reason))?.context("its daemon does not answer")
            }
        }?;
        value(&output, self.delimiters)
            .map(|value| value * self.factor)
            .with_context(|| format!("cannot find the value in: {output}"))
    }

    fn launch(&self, transport: &str, words: &[&str], processor: usize) -> Result<Server> {
        let transport = Transport::named(transport).context("no such transport")?;
        let processor = processor.to_string();
        let pinned = ["taskset", "-c", &processor].into_iter().chain(words.iter().copied());
        let spec = Spec::new(transport, Start::Bind, pinned)?;
        Ok(Server::launch(&spec, LaunchOptions { seed: 1, ..LaunchOptions::default() })?)
    }

    fn run_client(&self, processor: usize, address: Option<&Address>) -> Result<String> {
        self.run(self.client, processor, address)
    }

    fn run(&self, words: &[&str], processor: usize, address: Option<&Address>) -> Result<String> {
        subprocess::run(&self.words(words, address), processor, DEADLINE)
    }

    fn words(&self, words: &[&str], address: Option<&Address>) -> Vec<String> {
        let mut words: Vec<String> = words.iter().map(|word| fill(word, address)).collect();
        if let (Some(directory), Some(program)) = (self.directory(), words.first_mut()) {
            *program = directory.join(&program).to_string_lossy().into_owned();
        }
        words
    }

    fn directory(&self) -> Option<PathBuf> {
        env::var_os(self.directory_variable?).map(|path| Path::new(&path).to_owned())
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

/// Returns the number between two texts.
fn value(text: &str, (before, after): (&str, &str)) -> Option<f64> {
    let rest = if before.is_empty() { text } else { text.split(before).nth(1)? };
    let field = rest.split(after).next()?;
    field.split_whitespace().last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn finds_the_value_in_the_output_of_each_peer() {
        let sockperf =
            "sockperf: ---> percentile 75.000 =   16.384\nsockperf: ---> percentile 50.000 =   13.960\n";
        assert_eq!(value(sockperf, ("percentile 50.000 =", "\n")), Some(13.96));
        let perf = "     Total time: 0.107 [sec]\n\n       5.354100 usecs/op\n         186772 ops/sec\n";
        assert_eq!(value(perf, ("", "usecs/op")), Some(5.3541));
        assert_eq!(value("Pipe latency: 5.2611 microseconds\n", ("latency:", "microseconds")), Some(5.2611));
        assert_eq!(value("Average duration:   13.821\tus\n", ("Average duration:", "us")), Some(13.821));
        assert_eq!(value("nothing of the kind", ("latency:", "microseconds")), None);
    }
}

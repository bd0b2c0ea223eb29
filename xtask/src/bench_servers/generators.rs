//! `bench-servers --generators`: `echospec load` in turns with other load generators, by requests for a second of the
//! client's processor time. The others verify nothing.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use echospec::bench::placement::processors::ProcessorPair;
use echospec::bench::statistics::{estimate_median, estimate_ratio};
use echospec::deadline::is_interrupted;
use echospec::server::{LaunchOptions, Server, Spec};
use echospec::sys::{own_resource_usage, pin_process};

use super::contenders::CONTENDERS;
use super::generator::run_echospec;
use super::programs::Programs;
use super::runnable::Runnable;
use crate::record::{self, List};
use crate::subprocess;

/// Another load generator, and the server against which it is measured.
struct Tool {
    name: &'static str,
    target: Target,
    /// The command; `{host}`, `{port}`, `{message}` and `{seconds}` are filled in.
    command: &'static str,
    requests: fn(&str) -> Option<Requests>,
}

/// A server that is faster than its client, and the options with which `echospec load` speaks to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Echo,
    Http,
    Redis,
}

/// The number of requests that a generator says, and its processor time if it says that, too.
struct Requests {
    number: f64,
    client_cpu: Option<f64>,
}

/// The duration of a measurement by a generator, in seconds, and the number of its connections.
const SECONDS: u32 = 1;
const CONNECTIONS: &str = "50";

/// The deadline of a generator.
const DEADLINE: Duration = Duration::from_secs(60);

const TOOLS: &[Tool] = &[
    Tool {
        name: "bare epoll loop in C",
        target: Target::Echo,
        command: "{epoll_load} {host} {port} 50 64 {seconds} {pid}",
        requests: |text| {
            let json: serde_json::Value = serde_json::from_str(text.lines().last()?).ok()?;
            Some(Requests { number: json["requests"].as_f64()?, client_cpu: json["client_cpu"].as_f64() })
        },
    },
    Tool {
        name: "wrk",
        target: Target::Http,
        command: "wrk -t1 -c50 -d{seconds}s -H X-Request-Id:{message} http://{host}:{port}/",
        requests: |text| count_before(text, " requests in"),
    },
    Tool {
        name: "redis-benchmark",
        target: Target::Redis,
        command: "redis-benchmark -h {host} -p {port} -c 50 -n 100000 -q ECHO {message}",
        requests: |_| Some(Requests { number: 100_000.0, client_cpu: None }),
    },
    Tool {
        name: "memtier_benchmark",
        target: Target::Redis,
        command: "memtier_benchmark -s {host} -p {port} -t 1 -c 50 -n 2000 -d 64 --hide-histogram \
                  --command=ECHO␣__data__",
        requests: |_| Some(Requests { number: 100_000.0, client_cpu: None }),
    },
];

/// Measures `rounds` rounds, and prints a table. Returns false if `echospec load` needs significantly more processor
/// time than another generator.
pub fn run(programs: &Programs, processors: &ProcessorPair, rounds: usize) -> Result<bool> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "requests for a second of the client's CPU",
        "theirs",
        "echospec load",
        "ours / theirs [95 %]",
    ]);
    let mut passed = true;
    for tool in TOOLS {
        let comparison = Comparison { tool, programs, processors };
        match comparison.measure(rounds) {
            Ok(pairs) => {
                let ratio = estimate_ratio(&pairs, 1).context("there are no rounds")?;
                passed &= ratio.high >= 1.0;
                let side = |value: fn(&(f64, f64)) -> f64| {
                    let values: Vec<_> = pairs.iter().map(value).collect();
                    estimate_median(&values, 1).map_or("–".into(), |it| format!("{:.0}", it.value))
                };
                let shown = format!("{:.2} [{:.2}, {:.2}]", ratio.value, ratio.low, ratio.high);
                table.add_row([tool.name.to_owned(), side(|pair| pair.1), side(|pair| pair.0), shown]);
            }
            Err(error) => {
                let reason = format!("{error:#}").lines().next().unwrap_or_default().to_owned();
                table.add_row([tool.name.to_owned(), reason, String::new(), String::new()]);
            }
        }
        if is_interrupted() {
            return Ok(false);
        }
    }
    println!("{table}");
    Ok(passed)
}

/// The comparison of `echospec load` with one other generator.
struct Comparison<'a> {
    tool: &'static Tool,
    programs: &'a Programs,
    processors: &'a ProcessorPair,
}

impl Comparison<'_> {
    /// Returns the requests for a second of processor time, ours and theirs, in each round. The order alternates.
    fn measure(&self, rounds: usize) -> Result<Vec<(f64, f64)>> {
        let program = self.tool.command.split(' ').next().unwrap_or_default();
        ensure!(program.starts_with('{') || record::installed(program), "not installed");
        let mut server = self.tool.target.launch(self.programs, self.processors)?;
        let address = server.address().inet().context("the server has no address of TCP")?;
        let pid = server.pid().map_err(|it| anyhow!(it.reason))?.as_raw();
        let round = |number: usize| {
            let (ours, theirs) = (|| self.ours(address), || self.theirs(address, pid));
            if number.is_multiple_of(2) {
                Ok((ours()?, theirs()?))
            } else {
                theirs().and_then(|it| Ok((ours()?, it)))
            }
        };
        (0..rounds).map(round).collect()
    }

    fn ours(&self, address: SocketAddr) -> Result<f64> {
        let program = self.programs.release("echospec");
        let text = format!("--connect {address} --connections {CONNECTIONS} --duration {SECONDS}s");
        let protocol = self.tool.target.options().iter().map(|&word| word.to_owned());
        let options = text.split(' ').map(str::to_owned).chain(protocol);
        let figures = run_echospec(&program, options, self.processors.client)?;
        Ok(figures.requests as f64 / figures.client_cpu)
    }

    fn theirs(&self, address: SocketAddr, server: i32) -> Result<f64> {
        let epoll_load = self.programs.client("epoll_load")?;
        let words = self.tool.words(address, server, &epoll_load);
        let before = own_resource_usage()?.children;
        let text = subprocess::run(&words, self.processors.client, DEADLINE)?;
        let used = own_resource_usage()?.children.saturating_sub(before).as_secs_f64();
        let requests =
            (self.tool.requests)(&text).with_context(|| format!("{} printed {text}", self.tool.name))?;
        ensure!(requests.number > 0.0, "{} made no request", self.tool.name);
        Ok(requests.number / requests.client_cpu.unwrap_or(used))
    }
}

impl Tool {
    fn words(&self, address: SocketAddr, server: i32, epoll_load: &Path) -> Vec<String> {
        let values = [
            ("{epoll_load}", epoll_load.display().to_string()),
            ("{host}", address.ip().to_string()),
            ("{port}", address.port().to_string()),
            ("{message}", "0123456789abcdef".repeat(4)),
            ("{seconds}", SECONDS.to_string()),
            ("{pid}", server.to_string()),
            ("␣", " ".to_owned()),
        ];
        let fill =
            |word: &str| values.iter().fold(word.to_owned(), |text, (name, value)| text.replace(name, value));
        self.command.split_whitespace().map(fill).collect()
    }
}

impl Target {
    /// Returns the options with which `echospec load` speaks to this server.
    fn options(self) -> &'static [&'static str] {
        match self {
            Target::Echo => &["--size", "64"],
            Target::Http => &["--protocol", "http", "--set", "reply={token}\n"],
            Target::Redis => &["--protocol", "redis", "--size", "64"],
        }
    }

    /// Launches the server on its processor.
    fn launch(self, programs: &Programs, processors: &ProcessorPair) -> Result<Server> {
        let processor = processors.server.unwrap_or(processors.client);
        match self {
            Target::Echo => {
                let epoll = CONTENDERS.iter().find(|it| it.name == "C epoll").context("no C epoll")?;
                let program = programs.server(epoll).map_err(|reason| anyhow!(reason))?;
                Runnable { contender: epoll, program }.launch(processor)
            }
            Target::Http => launch_peer("http: nginx", processor),
            Target::Redis => launch_peer("redis: redis-server", processor),
        }
    }
}

/// Launches a server of `fixtures/peers.toml`.
fn launch_peer(name: &str, processor: usize) -> Result<Server> {
    let spec: Spec = record::candidate(List::Peers, name)?.spec;
    let server = Server::launch(&spec, LaunchOptions::default())?;
    for process in server.processes().map_err(|it| anyhow!(it.reason))? {
        pin_process(process.pid, &[processor])?;
    }
    Ok(server)
}

/// Returns the number before `unit` in a text.
fn count_before(text: &str, unit: &str) -> Option<Requests> {
    let number = text.split(unit).next()?.split_whitespace().last()?.parse().ok()?;
    Some(Requests { number, client_cpu: None })
}

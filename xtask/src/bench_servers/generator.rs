//! The programs that put load on a server, and their figures.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::cell::Cell;
use super::runnable::Runnable;
use crate::subprocess;

/// A program that puts load on a server.
#[derive(Debug, Clone)]
pub enum Generator {
    /// `echospec load`, which verifies every byte.
    Echospec(PathBuf),
    /// `fixtures/clients/epoll_load.c`, which verifies nothing.
    BareLoop(PathBuf),
}

/// The load of one measurement.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub cell: Cell,
    /// The duration of the timed part.
    pub seconds: f64,
    pub client_processor: usize,
    pub server_processor: usize,
}

/// The results of one measurement. Processor time is in seconds, and counts the timed part alone.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Figures {
    /// The number of requests that were answered in the timed part.
    pub requests: u64,
    /// The duration of the timed part.
    pub seconds: f64,
    pub client_cpu: f64,
    pub server_cpu: f64,
    /// Percentiles of the time of a request, if the generator records them.
    pub latency: Option<Latency>,
}

/// Percentiles of the time of a request, in ns.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Latency {
    pub p50: f64,
    pub p99: f64,
    #[serde(alias = "p99_9")]
    pub p999: f64,
}

/// The deadline of one measurement: 10,000 connections may be slow to come.
const DEADLINE: Duration = Duration::from_secs(60);

/// The time in which `echospec load` sends requests before it measures.
const WARM_UP: &str = "100ms";

impl Figures {
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    /// Returns the server's processor time for a request, in µs.
    pub fn server_cost(&self) -> f64 {
        self.server_cpu * 1e6 / self.requests as f64
    }

    /// Returns the client's processor time for a request, in µs.
    pub fn client_cost(&self) -> f64 {
        self.client_cpu * 1e6 / self.requests as f64
    }

    /// Returns the share of its processor that the client used.
    pub fn client_use(&self) -> f64 {
        self.client_cpu / self.seconds
    }
}

impl Generator {
    /// Describes the generator in a few words.
    pub fn description(&self) -> &'static str {
        match self {
            Generator::Echospec(_) => "`echospec load`, which verifies every byte of every reply",
            Generator::BareLoop(_) => "fixtures/clients/epoll_load.c, which does not verify replies",
        }
    }

    /// Launches the server, puts `load` on it, and returns the figures.
    pub fn drive(&self, load: &Load, runnable: &Runnable) -> Result<Figures> {
        let figures = match self {
            Generator::Echospec(program) => drive_by_echospec(program, load, runnable),
            Generator::BareLoop(program) => drive_by_bare_loop(program, load, runnable),
        }?;
        ensure!(figures.requests > 0, "no request was answered in the timed part");
        Ok(figures)
    }
}

fn drive_by_echospec(program: &Path, load: &Load, runnable: &Runnable) -> Result<Figures> {
    let Load { cell, seconds, client_processor, server_processor } = load;
    let text =
        format!("--connections {} --size {} --duration {}ms --", cell.connections, cell.size, seconds * 1e3);
    let options = text.split(' ').map(str::to_owned).chain(runnable.command(*server_processor));
    run_echospec(program, options, *client_processor)
}

/// Runs `echospec load tcp` with `options` on `processor`, and returns its figures.
pub fn run_echospec(
    program: &Path,
    options: impl IntoIterator<Item = String>,
    processor: usize,
) -> Result<Figures> {
    let report = NamedTempFile::new()?;
    let text = format!("load tcp --warm-up {WARM_UP} --json {}", report.path().display());
    let words = [program.display().to_string()].into_iter().chain(text.split(' ').map(str::to_owned));
    subprocess::run(&words.chain(options).collect::<Vec<_>>(), processor, DEADLINE)?;
    let report: Report =
        serde_json::from_reader(report.reopen()?).context("in the report of echospec load")?;
    ensure!(report.wrong_replies == 0, "{} wrong replies", report.wrong_replies);
    Ok(report.figures())
}

fn drive_by_bare_loop(program: &Path, load: &Load, runnable: &Runnable) -> Result<Figures> {
    let Load { cell, seconds, client_processor, server_processor } = load;
    let mut server = runnable.launch(*server_processor)?;
    let address = runnable.address(&server)?;
    let pid = server.pid().map_err(|it| anyhow!(it.reason))?;
    let numbers =
        format!("{} {} {} {} {seconds} {pid}", address.ip(), address.port(), cell.connections, cell.size);
    let mut words = vec![program.display().to_string()];
    words.extend(numbers.split(' ').map(str::to_owned));
    let text = subprocess::run(&words, *client_processor, DEADLINE)?;
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).with_context(|| format!("the generator printed {line}"))
}

/// The part of a report of `echospec load` that is used here.
#[derive(Debug, Deserialize)]
struct Report {
    seconds: f64,
    requests: u64,
    latency_ns: Option<Latency>,
    server: Option<Cost>,
    client: Cost,
    wrong_replies: u64,
}

#[derive(Debug, Deserialize)]
struct Cost {
    cpu_seconds: f64,
}

impl Report {
    fn figures(self) -> Figures {
        let Report { seconds, requests, latency_ns: latency, server, client, .. } = self;
        let server_cpu = server.map_or(f64::NAN, |cost| cost.cpu_seconds);
        Figures { requests, seconds, client_cpu: client.cpu_seconds, server_cpu, latency }
    }
}

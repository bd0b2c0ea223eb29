//! Checks that a high limit of open descriptors costs a server nothing.

use std::time::Duration;

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::payload::MIB;
use crate::server::{LaunchOptions, Server};
use crate::sys;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "load/high-descriptor-limit",
    level: Should,
    sentence: "a limit of a million descriptors or more costs a server neither processor time nor memory at its start",
    why: "service managers and container engines set limits up to a billion; a loop that closes every possible descriptor then takes minutes, and a table with an entry for each takes gigabytes",
    citations: &[
        "getrlimit(2) (RLIMIT_NOFILE)",
        "proc(5) (/proc/sys/fs/nr_open)",
        "close_range(2)",
        "closefrom(3)",
    ],
    recipe: "launch the server with 1024 descriptors, and with 1,048,576; exchange a message; compare processor time and resident memory; if they differ much, do both 3 times more, and compare the smallest values; where fs.nr_open permits, launch the server with a billion descriptors, too",
    requires: Capabilities::MANY_CLIENTS.union(Capabilities::LAUNCHED),
    run,
};

/// The limit with which the cost of others is compared.
const USUAL: u32 = 1024;

/// The usual value of fs.nr_open, and a limit that takes too long if a server loops over it.
const MILLION: u32 = 1 << 20;
const BILLION: u32 = 1_000_000_000;

/// The lowest limit that shows a difference.
const LEAST: u32 = 1 << 18;

/// The differences that do not count: in processor time and in bytes of memory.
const LITTLE_TIME: Duration = Duration::from_millis(20);
const LITTLE_MEMORY: u64 = 5 * MIB as u64;

/// The number of launches with each limit to confirm a difference.
const REPETITIONS: usize = 3;

/// The processor time and resident memory of a server after its start and one exchange.
#[derive(Clone, Copy)]
struct Cost {
    time: Duration,
    memory: u64,
}

impl Cost {
    /// Returns the smaller time and the smaller memory of both.
    fn least(self, other: Cost) -> Cost {
        Cost { time: self.time.min(other.time), memory: self.memory.min(other.memory) }
    }

    /// Describes how much more this cost is than `usual`; `None` if it is not much more.
    fn compare(self, usual: Cost) -> Option<String> {
        let milliseconds =
            |time: Duration| format!("{:.0} ms of processor time", time.as_secs_f64() * 1000.0);
        let time = (self.time > usual.time + LITTLE_TIME.max(usual.time / 4))
            .then(|| format!("{}, and {} usually", milliseconds(self.time), milliseconds(usual.time)));
        let mebibytes = |bytes: u64| format!("{:.0} MiB of memory", bytes as f64 / MIB as f64);
        let memory = (self.memory > usual.memory + LITTLE_MEMORY.max(usual.memory / 8))
            .then(|| format!("{}, and {} usually", mebibytes(self.memory), mebibytes(usual.memory)));
        // Memory that is filled takes time as well.
        let both: Vec<_> = time.into_iter().chain(memory).collect();
        (!both.is_empty()).then(|| both.join("; "))
    }
}

fn run(server: &mut Server) -> check::Result {
    let highest = sys::highest_descriptor_limit().or_unsupported("the highest limit of descriptors")?;
    let highest = u32::try_from(highest).unwrap_or(u32::MAX);
    if highest < LEAST {
        let found = format!("fs.nr_open is {highest}");
        return Err(Finding::unsupported(format!("a limit of {LEAST} descriptors or more"), found));
    }
    let million = MILLION.min(highest);
    let wanted = format!("a limit of {million} descriptors (above the hard limit it needs CAP_SYS_RESOURCE)");
    sys::check_descriptor_limit(million.into()).or_unsupported(wanted)?;
    let usual = cost(server, USUAL).map_err(|finding| not_compared(&finding))?;
    compare(server, million, usual)?;
    let billion = highest >= BILLION && sys::check_descriptor_limit(BILLION.into()).is_ok();
    if billion { cost(server, BILLION).map(drop) } else { Ok(()) }
}

/// No verdict: the server may need more than the usual limit, and other checks start it without any.
fn not_compared(finding: &Finding) -> Finding {
    Finding::unsupported(format!("a start with {USUAL} descriptors"), finding.actual.clone())
}

fn compare(server: &mut Server, limit: u32, mut usual: Cost) -> check::Result {
    let mut high = cost(server, limit)?;
    if high.compare(usual).is_none() {
        return Ok(());
    }
    for _ in 0..REPETITIONS {
        usual = usual.least(cost(server, USUAL)?);
        high = high.least(cost(server, limit)?);
    }
    let Some(difference) = high.compare(usual) else { return Ok(()) };
    Err(Finding::fail(
        format!("a start with {limit} descriptors that costs what one with {USUAL} costs"),
        difference,
    )
    .because(format!(
        "the smallest values of {} starts each; the server loops over all descriptors that the limit permits, or \
         allocates memory for each",
        REPETITIONS + 1
    )))
}

/// Returns what the server has used after a start with `limit` and one exchange.
fn cost(server: &mut Server, limit: u32) -> check::Result<Cost> {
    let options = LaunchOptions { descriptor_limit: Some(limit), ..server.options() };
    let mut other =
        server.launch_under(options, &format!("a server that starts with {limit} descriptors"))?;
    let _client = other.connect_and_hold()?;
    Ok(Cost { time: other.cpu_time()?, memory: other.process_stats()?.resident })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(milliseconds: u64, mebibytes: u64) -> Cost {
        Cost { time: Duration::from_millis(milliseconds), memory: mebibytes * MIB as u64 }
    }

    #[test]
    fn more_time_or_memory_counts_and_noise_does_not() {
        let usual = cost(40, 10);
        assert!(cost(55, 14).compare(usual).is_none());
        assert!(cost(80, 10).compare(usual).is_some_and(|text| text.contains("80 ms of processor time")));
        assert!(cost(40, 18).compare(usual).is_some_and(|text| text.contains("18 MiB of memory")));
        let both = "80 ms of processor time, and 40 ms of processor time usually; 18 MiB of memory, and 10 MiB of memory usually";
        assert_eq!(cost(80, 18).compare(usual).as_deref(), Some(both));
    }
}

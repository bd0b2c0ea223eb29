//! The machine, described: whatever changes figures, and what went on beside them.

use std::io;
use std::time::Instant;

use super::comparison::{Fact, Machine};
use crate::bench::placement::processors::{Pair, choose};
use crate::sys::{
    MachineProperty, PROCESSOR_TIME_SOURCE, ProcessorTime, SystemCallCounter, check_io_uring, load_average,
    machine_properties, processor_model, processor_time, usable_processors,
};

pub mod suitability;

/// The names of facts that are judged, and of those that no system calls anything.
pub mod names {
    /// How many processes wanted a processor at once in the minute before.
    pub const LOAD: &str = "load average before";
    /// The part of the run's time that the hypervisor gave to others.
    pub const STOLEN: &str = "stolen time";
    /// Whether this program was built to be fast.
    pub const BUILD: &str = "build of echospec";
    /// Whether system calls can be counted.
    pub const CALLS: &str = "system calls";
    /// What the system calls them.
    pub const GOVERNOR: &str = "cpufreq governor";
    /// The clock behind `CLOCK_MONOTONIC`.
    pub const CLOCK: &str = "clock source";
    /// What a container allows.
    pub const QUOTA: &str = "processor quota";
    /// What TCP uses of which nobody said otherwise.
    pub const CONGESTION: &str = "net.ipv4.tcp_congestion_control";
    /// The longest message of a POSIX queue, without a privilege.
    pub const MQUEUE: &str = "fs.mqueue.msgsize_max";
    /// Whether this process may have a ring.
    pub const IO_URING: &str = "io_uring";
}

/// A machine on which a run is under way.
pub(super) struct Watched {
    machine: Machine,
    processors: Vec<usize>,
    began: Instant,
    /// Absent where the system does not tell.
    before: io::Result<ProcessorTime>,
}

/// The machine as it is at this moment.
///
/// # Errors
/// Where the processors that this process may use are not told.
pub fn machine() -> io::Result<Machine> {
    Ok(Watched::begin(&choose()?).machine)
}

impl Watched {
    /// Describes the machine before anything runs on it.
    pub fn begin(pair: &Pair) -> Watched {
        let processors: Vec<usize> = [pair.client].into_iter().chain(pair.server).collect();
        let mut facts = vec![
            fact(names::BUILD, "cfg!(debug_assertions)", Ok(build().to_owned()), false),
            fact(
                names::CALLS,
                SystemCallCounter::SOURCE,
                SystemCallCounter::check_permission().map(|()| "can be counted".to_owned()),
                false,
            ),
            fact(
                names::IO_URING,
                "io_uring_setup(2)",
                check_io_uring().map(|()| "can be set up".to_owned()),
                false,
            ),
        ];
        facts.extend(machine_properties(&processors).into_iter().map(Fact::from));
        facts.push(fact(names::LOAD, "getloadavg(3)", load_average().map(|load| format!("{load:.2}")), true));
        let machine = Machine {
            system: system(),
            processor: processor_model().ok(),
            processors: usable_processors().map_or(0, |all| all.len()),
            pinned: pair.server.map(|server| (pair.client, server)),
            facts,
        };
        let before = processor_time(&processors);
        Watched { machine, processors, began: Instant::now(), before }
    }

    /// Adds what has happened since.
    pub fn end(mut self) -> Machine {
        let stolen = self.stolen().map(|share| format!("{:.1} %", share * 100.0));
        self.machine.facts.push(fact(names::STOLEN, PROCESSOR_TIME_SOURCE, stolen, true));
        self.machine
    }

    /// The part of the time of the processors that were used.
    fn stolen(&self) -> io::Result<f64> {
        let before = self.before.as_ref().map_err(|error| io::Error::new(error.kind(), error.to_string()))?;
        let stolen = processor_time(&self.processors)?.stolen.saturating_sub(before.stolen);
        let time = self.began.elapsed().as_secs_f64() * self.processors.len() as f64;
        Ok(stolen.as_secs_f64() / time.max(f64::MIN_POSITIVE))
    }
}

const fn build() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "release" }
}

fn system() -> String {
    let name = nix::sys::utsname::uname().map(|name| {
        let parts = [name.sysname(), name.release(), name.machine()];
        parts.map(|part| part.to_string_lossy().into_owned()).join(" ")
    });
    name.unwrap_or_default()
}

fn fact(name: &str, source: &str, value: io::Result<String>, fleeting: bool) -> Fact {
    let (value, absent) = match value {
        Ok(value) => (value, None),
        Err(error) => (String::new(), Some(error.to_string())),
    };
    Fact { name: name.to_owned(), value, source: source.to_owned(), absent, fleeting }
}

impl From<MachineProperty> for Fact {
    fn from(MachineProperty { name, source, value }: MachineProperty) -> Fact {
        fact(name, &source, value.map_err(io::Error::other), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_described_with_what_happened_on_it() {
        let machine = Watched::begin(&choose().unwrap()).end();
        assert!(machine.processors > 0 && !machine.system.is_empty());
        assert!(machine.fact(names::BUILD).is_some());
        for fact in &machine.facts {
            assert_eq!(fact.value.is_empty(), fact.absent.is_some(), "{fact:?}");
            assert!(!fact.source.is_empty(), "{fact:?}");
        }
        let fleeting: Vec<_> = machine.facts.iter().filter(|fact| fact.fleeting).map(|it| &it.name).collect();
        assert_eq!(fleeting, [names::LOAD, names::STOLEN]);
    }
}

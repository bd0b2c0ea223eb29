//! Describes the machine that a comparison runs on, as far as it affects the results.

use std::io;
use std::time::Instant;

use super::comparison::{Fact, Machine};
use super::placement::processors::{ProcessorPair, choose_processors};
use crate::sys::{
    MachineProperty, PROCESSOR_TIME_SOURCE, ProcessorTime, SystemCallCounter, check_io_uring, load_average,
    machine_properties, processor_model, processor_time, system_name, usable_processors,
};

pub mod fact_names;
pub mod suitability;

/// The description of the machine at the beginning of a comparison.
pub(super) struct MachineRecorder {
    machine: Machine,
    processors: Vec<usize>,
    began: Instant,
    /// The stolen processor time before the comparison, or an error if the system does not tell.
    before: io::Result<ProcessorTime>,
}

/// Reads the facts of the machine as they are now.
///
/// # Errors
/// The errors of [`usable_processors`].
pub fn describe_machine() -> io::Result<Machine> {
    Ok(MachineRecorder::begin(&choose_processors()?).machine)
}

impl MachineRecorder {
    /// Describes the machine before a comparison begins.
    pub fn begin(pair: &ProcessorPair) -> MachineRecorder {
        let processors: Vec<usize> = [pair.client].into_iter().chain(pair.server).collect();
        let machine = Machine {
            system: system_name(),
            processor: processor_model().ok(),
            processors: usable_processors().map_or(0, |all| all.len()),
            pinned: pair.server.map(|server| (pair.client, server)),
            facts: facts(&processors),
        };
        let before = processor_time(&processors);
        MachineRecorder { machine, processors, began: Instant::now(), before }
    }

    /// Returns the description of the machine, completed by the processor time stolen during the comparison.
    pub fn end(mut self) -> Machine {
        let stolen = self.stolen().map(|share| format!("{:.1} %", share * 100.0));
        let stolen = fact(fact_names::STOLEN_TIME, PROCESSOR_TIME_SOURCE, stolen);
        self.machine.facts.push(Fact { varies: true, ..stolen });
        self.machine
    }

    /// Returns the share of the used processors' time that the hypervisor gave to other guests during a comparison.
    fn stolen(&self) -> io::Result<f64> {
        let before = self.before.as_ref().map_err(|error| io::Error::new(error.kind(), error.to_string()))?;
        let stolen = processor_time(&self.processors)?.stolen.saturating_sub(before.stolen);
        let time = self.began.elapsed().as_secs_f64() * self.processors.len() as f64;
        Ok(stolen.as_secs_f64() / time.max(f64::MIN_POSITIVE))
    }
}

fn facts(processors: &[usize]) -> Vec<Fact> {
    let calls = SystemCallCounter::check_permission().map(|()| "can be counted".to_owned());
    let io_uring = check_io_uring().map(|()| "can be set up".to_owned());
    let load = load_average().map(|load| format!("{load:.2}"));
    let mut facts = vec![
        fact(fact_names::BUILD_PROFILE, "cfg!(debug_assertions)", Ok(build().to_owned())),
        fact(fact_names::CALL_COUNTING, SystemCallCounter::SOURCE, calls),
        fact(fact_names::IO_URING, "io_uring_setup(2)", io_uring),
    ];
    facts.extend(machine_properties(processors).into_iter().map(Fact::from));
    facts.push(Fact { varies: true, ..fact(fact_names::LOAD_AVERAGE, "getloadavg(3)", load) });
    facts
}

const fn build() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "release" }
}

fn fact(name: &str, source: &str, value: io::Result<String>) -> Fact {
    let (value, unknown) = match value {
        Ok(value) => (value, None),
        Err(error) => (String::new(), Some(error.to_string())),
    };
    Fact { name: name.to_owned(), value, source: source.to_owned(), unknown, varies: false }
}

impl From<MachineProperty> for Fact {
    fn from(MachineProperty { name, source, value }: MachineProperty) -> Fact {
        fact(name, &source, value.map_err(io::Error::other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fact_has_a_source_and_a_value_or_a_reason() {
        let machine = MachineRecorder::begin(&choose_processors().unwrap()).end();
        assert!(machine.processors > 0 && !machine.system.is_empty());
        assert!(machine.fact(fact_names::BUILD_PROFILE).is_some());
        for fact in &machine.facts {
            assert_eq!(fact.value.is_empty(), fact.unknown.is_some(), "{fact:?}");
            assert!(!fact.source.is_empty(), "{fact:?}");
        }
        let varying: Vec<_> = machine.facts.iter().filter(|fact| fact.varies).map(|it| &it.name).collect();
        assert_eq!(varying, [fact_names::LOAD_AVERAGE, fact_names::STOLEN_TIME]);
    }
}

//! Judges whether a machine is suitable for a comparison. `echospec doctor` and the warnings of a comparison use the
//! same judgements.

use super::fact_names;
use crate::bench::comparison::{Machine, Measure, Warning};
use crate::bench::plan::Plan;
use crate::requirement::{self, Requirement};

/// The result of an inspection of the machine for measuring: `Ok` if it is suitable, `Err` if not, with a
/// description.
pub type Judgement = Result<String, String>;

/// A condition that the machine must meet so that the results of a comparison can be trusted.
struct Condition {
    requirement: &'static Requirement,
    inspect: fn(&Machine) -> Judgement,
    /// Returns whether a condition of the machine affects the measurements of a plan.
    affects: fn(&Plan) -> bool,
}

const CONDITIONS: &[Condition] = &[
    Condition {
        requirement: &requirement::OPTIMISED_BUILD,
        inspect: judge_build_profile,
        affects: has_bundled_server,
    },
    Condition {
        requirement: &requirement::SECOND_PROCESSOR,
        inspect: judge_second_processor,
        affects: always,
    },
    Condition {
        requirement: &requirement::NO_PROCESSOR_QUOTA,
        inspect: judge_processor_quota,
        affects: always,
    },
    Condition {
        requirement: &requirement::FIXED_FREQUENCY,
        inspect: judge_frequency_governor,
        affects: always,
    },
    Condition { requirement: &requirement::FAST_CLOCK, inspect: judge_clock_source, affects: always },
    Condition { requirement: &requirement::QUIET_MACHINE, inspect: judge_load_average, affects: always },
    Condition { requirement: &requirement::NO_STOLEN_TIME, inspect: judge_stolen_time, affects: always },
    Condition {
        requirement: &requirement::UNPACED_TCP,
        inspect: judge_congestion_control,
        affects: streams_by_tcp,
    },
];

/// Returns a warning for each condition that the machine does not meet and that affects the planned measurements.
pub(in crate::bench) fn warnings(machine: &Machine, plan: &Plan) -> Vec<Warning> {
    let unmet = CONDITIONS.iter().filter(|condition| (condition.affects)(plan)).filter_map(|condition| {
        let message = (condition.inspect)(machine).err()?;
        let Requirement { affects, help, .. } = condition.requirement;
        Some(Warning { message, cause: format!("affects {affects}"), help: (*help).to_owned() })
    });
    unmet.collect()
}

fn always(_: &Plan) -> bool {
    true
}

fn has_bundled_server(plan: &Plan) -> bool {
    plan.candidates.iter().any(|it| it.bundled)
}

/// Returns whether a plan measures TCP with the system's congestion control. BBR limits its throughput; `--congestion`
/// chooses another.
fn streams_by_tcp(plan: &Plan) -> bool {
    let tcp = |name: &str| name == "tcp" || name == "tcp6";
    plan.tuning.congestion.as_deref().is_none_or(is_bbr)
        && plan.measures.contains(&Measure::Throughput)
        && plan.candidates.iter().any(|it| tcp(it.spec.transport().name))
}

fn is_bbr(congestion: &str) -> bool {
    congestion.starts_with("bbr")
}

/// Judges a property of the machine by `is_suitable`, and describes an unsuitable one by `describe`. An unknown value
/// is suitable.
fn judge(
    value: Option<&str>,
    is_suitable: impl Fn(&str) -> bool,
    describe: impl Fn(&str) -> String,
) -> Judgement {
    match value {
        None => Ok("unknown here".into()),
        Some(value) if is_suitable(value) => Ok(value.to_owned()),
        Some(value) => Err(describe(value)),
    }
}

/// Judges whether echospec and its bundled servers were built with optimisation.
pub fn judge_build_profile(machine: &Machine) -> Judgement {
    judge(machine.fact(fact_names::BUILD_PROFILE), |it| it == "release", |it| format!("this is a {it} build"))
}

/// Judges whether the machine has two processors, so that client and server can run at the same time.
pub fn judge_second_processor(machine: &Machine) -> Judgement {
    match machine.processors {
        0 => Ok("unknown here".into()),
        1 => Err("this process may use one processor only".into()),
        number => Ok(format!("{number} can be used")),
    }
}

/// Judges whether a container's processor quota may interrupt client and server.
pub fn judge_processor_quota(machine: &Machine) -> Judgement {
    let limited = |text: &str| text.split(' ').next().is_some_and(|number| number.parse::<f64>().is_ok());
    judge(
        machine.fact(fact_names::PROCESSOR_QUOTA),
        |text| !limited(text),
        |text| format!("this container has a quota of {text}"),
    )
}

/// Judges whether the machine's processors run at one frequency.
pub fn judge_frequency_governor(machine: &Machine) -> Judgement {
    judge(
        machine.fact(fact_names::FREQUENCY_GOVERNOR),
        |it| it == "performance",
        |it| format!("the frequency governor is '{it}', not 'performance'"),
    )
}

/// Clock sources that are read without a system call.
const FAST_CLOCKS: &[&str] = &[
    "tsc",
    "kvm-clock",
    "hyperv_clocksource_tsc_page",
    "arch_sys_counter",
    "riscv_clocksource",
    "timebase",
    "stp",
    "tod",
];

/// Judges whether reading the machine's clock costs little.
pub fn judge_clock_source(machine: &Machine) -> Judgement {
    judge(
        machine.fact(fact_names::CLOCK_SOURCE),
        |it| FAST_CLOCKS.contains(&it),
        |it| format!("the clock source is '{it}'"),
    )
}

/// Maximum load average at which a machine counts as quiet, as a share of its processors.
const QUIET_LOAD: f64 = 0.25;

/// Judges whether other processes are running on the machine, which would disturb measurements.
pub fn judge_load_average(machine: &Machine) -> Judgement {
    let max = QUIET_LOAD * machine.processors.max(1) as f64;
    judge(
        machine.fact(fact_names::LOAD_AVERAGE),
        |text| text.parse::<f64>().is_ok_and(|load| load <= max),
        |text| format!("the load average was {text} before"),
    )
}

/// Maximum share of processor time, in per cent, that the hypervisor may give to other guests.
const MAX_STOLEN: f64 = 1.0;

/// Judges whether the hypervisor gave time to other guests.
pub fn judge_stolen_time(machine: &Machine) -> Judgement {
    let share = |text: &str| text.trim_end_matches(" %").parse::<f64>();
    judge(
        machine.fact(fact_names::STOLEN_TIME),
        |text| share(text).is_ok_and(|percent| percent <= MAX_STOLEN),
        |text| format!("the hypervisor took {text} of the time"),
    )
}

/// Judges whether TCP sends as fast as it can.
pub fn judge_congestion_control(machine: &Machine) -> Judgement {
    judge(
        machine.fact(fact_names::CONGESTION_CONTROL),
        |it| !is_bbr(it),
        |it| format!("TCP's congestion control is '{it}'"),
    )
}

/// Judges whether system calls can be counted.
pub fn judge_call_counting(machine: &Machine) -> Judgement {
    available(machine, fact_names::CALL_COUNTING)
}

/// Judges whether this process may use io_uring.
pub fn judge_io_uring(machine: &Machine) -> Judgement {
    available(machine, fact_names::IO_URING)
}

/// Returns the value of the machine's property called `name`, or the reason why the value is unknown.
fn available(machine: &Machine, name: &str) -> Judgement {
    let Some(fact) = machine.facts.iter().find(|fact| fact.name == name) else {
        return Ok("unknown here".into());
    };
    fact.unknown.clone().map_or_else(|| Ok(fact.value.clone()), Err)
}

/// The largest message size, in bytes, that a comparison uses by default.
const LARGE_MESSAGE: u64 = 65_536;

/// Judges whether POSIX message queues accept the message sizes that a comparison uses by default.
pub fn judge_message_queues(machine: &Machine) -> Judgement {
    let describe = |text: &str| format!("messages of up to {text} bytes");
    let is_large = |text: &str| text.parse::<u64>().is_ok_and(|bytes| bytes >= LARGE_MESSAGE);
    judge(machine.fact(fact_names::QUEUE_MESSAGE_LIMIT), is_large, describe)
        .map(|read_text| if is_large(&read_text) { describe(&read_text) } else { read_text })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::bench::comparison::Fact;

    fn machine(facts: &[(&str, &str)]) -> Machine {
        let fact = |(name, value): &(&str, &str)| Fact {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
            source: "a test".into(),
            unknown: None,
            varies: false,
        };
        Machine { processors: 2, facts: facts.iter().map(fact).collect(), ..Machine::default() }
    }

    #[rstest]
    #[case::quota(judge_processor_quota, fact_names::PROCESSOR_QUOTA, "no limit", "0.50 processors")]
    #[case::governor(judge_frequency_governor, fact_names::FREQUENCY_GOVERNOR, "performance", "powersave")]
    #[case::two_governors(
        judge_frequency_governor,
        fact_names::FREQUENCY_GOVERNOR,
        "performance",
        "0: performance, 1: powersave"
    )]
    #[case::clock(judge_clock_source, fact_names::CLOCK_SOURCE, "tsc", "hpet")]
    #[case::load(judge_load_average, fact_names::LOAD_AVERAGE, "0.49", "0.51")]
    #[case::stolen_time(judge_stolen_time, fact_names::STOLEN_TIME, "1.0 %", "1.1 %")]
    #[case::congestion_control(judge_congestion_control, fact_names::CONGESTION_CONTROL, "cubic", "bbr")]
    #[case::build(judge_build_profile, fact_names::BUILD_PROFILE, "release", "debug")]
    #[case::message_queues(judge_message_queues, fact_names::QUEUE_MESSAGE_LIMIT, "65536", "8192")]
    fn judges_a_fact_by_its_value(
        #[case] inspect: fn(&Machine) -> Judgement,
        #[case] name: &str,
        #[case] good: &str,
        #[case] bad: &str,
    ) {
        assert!(inspect(&machine(&[(name, good)])).is_ok(), "{good}");
        assert!(inspect(&machine(&[(name, bad)])).unwrap_err().contains(bad), "{bad}");
    }

    #[test]
    fn unknown_facts_are_suitable() {
        for condition in CONDITIONS {
            assert!((condition.inspect)(&machine(&[])).is_ok(), "{}", condition.requirement.name);
        }
    }

    #[test]
    fn shows_the_reason_for_an_unavailable_feature() {
        let mut machine = machine(&[(fact_names::CALL_COUNTING, "can be counted")]);
        assert_eq!(judge_call_counting(&machine), Ok("can be counted".to_owned()));
        machine.facts[0].unknown = Some("forbidden".into());
        assert_eq!(judge_call_counting(&machine), Err("forbidden".to_owned()));
    }

    #[test]
    fn one_processor_is_not_enough() {
        assert!(judge_second_processor(&Machine { processors: 1, ..Machine::default() }).is_err());
        assert!(judge_second_processor(&machine(&[])).is_ok());
    }
}

//! What makes a machine a bad one to compare on: the doctor asks before, and a comparison warns of it in the same words.

use crate::bench::comparison::{Machine, Measure, Warning};
use crate::bench::machine::names;
use crate::bench::plan::Wish;
use crate::requirement::{self, MissingRequirement};

/// How a machine fares: what was found, well or ill.
pub type Found = Result<String, String>;

/// What a machine should not have.
struct Condition {
    lack: &'static MissingRequirement,
    look: fn(&Machine) -> Found,
    /// Whether it touches what was measured.
    bears: fn(&Wish) -> bool,
}

const CONDITIONS: &[Condition] = &[
    Condition {
        lack: &requirement::OPTIMISED,
        look: optimised,
        bears: |wish| wish.contenders.iter().any(|it| it.bundled),
    },
    Condition { lack: &requirement::SECOND_PROCESSOR, look: second_processor, bears: always },
    Condition { lack: &requirement::QUOTA, look: quota, bears: always },
    Condition { lack: &requirement::GOVERNOR, look: governor, bears: always },
    Condition { lack: &requirement::CLOCK, look: clock, bears: always },
    Condition { lack: &requirement::QUIET, look: quiet, bears: always },
    Condition { lack: &requirement::OWN_TIME, look: own_time, bears: always },
    Condition { lack: &requirement::CONGESTION, look: congestion, bears: streams_by_tcp },
];

fn always(_: &Wish) -> bool {
    true
}

/// Those that bear on what was measured.
pub(in crate::bench) fn warnings(machine: &Machine, wish: &Wish) -> Vec<Warning> {
    let bad = CONDITIONS.iter().filter(|condition| (condition.bears)(wish)).filter_map(|condition| {
        let says = (condition.look)(machine).err()?;
        let MissingRequirement { without, mend, .. } = condition.lack;
        Some(Warning { says, cause: format!("the figures do not show {without}"), mend: (*mend).to_owned() })
    });
    bad.collect()
}

/// BBR matters to what is streamed, where nobody has chosen another.
fn streams_by_tcp(wish: &Wish) -> bool {
    let tcp = |name: &str| name == "tcp" || name == "tcp6";
    wish.tuning.congestion.as_deref().is_none_or(is_paced)
        && wish.measures.contains(&Measure::Throughput)
        && wish.contenders.iter().any(|it| tcp(it.spec.transport().name))
}

fn is_paced(congestion: &str) -> bool {
    congestion.starts_with("bbr")
}

/// What is not told is held against nobody.
fn judge(told: Option<&str>, well: impl Fn(&str) -> bool, says: impl Fn(&str) -> String) -> Found {
    match told {
        None => Ok("not told here".into()),
        Some(value) if well(value) => Ok(value.to_owned()),
        Some(value) => Err(says(value)),
    }
}

/// What `echospec` was built for, and the bundled servers with it.
pub fn optimised(machine: &Machine) -> Found {
    judge(machine.fact(names::BUILD), |it| it == "release", |it| format!("this is a {it} build"))
}

/// Whether two processes can run at once.
pub fn second_processor(machine: &Machine) -> Found {
    match machine.processors {
        0 => Ok("not told here".into()),
        1 => Err("this process may use one processor only".into()),
        number => Ok(format!("{number} to be used")),
    }
}

/// Whether a container lets both sides run for as long as they want.
pub fn quota(machine: &Machine) -> Found {
    let limited = |text: &str| text.split(' ').next().is_some_and(|number| number.parse::<f64>().is_ok());
    judge(
        machine.fact(names::QUOTA),
        |text| !limited(text),
        |text| format!("this container has a quota of {text}"),
    )
}

/// Whether processors run at one speed.
pub fn governor(machine: &Machine) -> Found {
    judge(
        machine.fact(names::GOVERNOR),
        |it| it == "performance",
        |it| format!("the frequency governor is '{it}', not 'performance'"),
    )
}

/// Clocks that are read without a system call.
const FAST: &[&str] = &[
    "tsc",
    "kvm-clock",
    "hyperv_clocksource_tsc_page",
    "arch_sys_counter",
    "riscv_clocksource",
    "timebase",
    "stp",
    "tod",
];

/// Whether reading the clock costs little.
pub fn clock(machine: &Machine) -> Found {
    judge(machine.fact(names::CLOCK), |it| FAST.contains(&it), |it| format!("the clock source is '{it}'"))
}

/// A load above this part of all processors is one.
const LOADED: f64 = 0.25;

/// Whether nothing else runs.
pub fn quiet(machine: &Machine) -> Found {
    let most = LOADED * machine.processors.max(1) as f64;
    judge(
        machine.fact(names::LOAD),
        |text| text.parse::<f64>().is_ok_and(|load| load <= most),
        |text| format!("a load of {text} was there before"),
    )
}

/// More of a processor's time than this, in per cent, is missed.
const BEARABLE: f64 = 1.0;

/// Whether a hypervisor takes time away.
pub fn own_time(machine: &Machine) -> Found {
    let share = |text: &str| text.trim_end_matches(" %").parse::<f64>();
    judge(
        machine.fact(names::STOLEN),
        |text| share(text).is_ok_and(|percent| percent <= BEARABLE),
        |text| format!("the hypervisor took {text} of the time"),
    )
}

/// Whether TCP sends as fast as it can.
pub fn congestion(machine: &Machine) -> Found {
    judge(
        machine.fact(names::CONGESTION),
        |it| !is_paced(it),
        |it| format!("TCP's congestion control is '{it}'"),
    )
}

/// Whether system calls can be counted.
pub fn calls(machine: &Machine) -> Found {
    had(machine, names::CALLS)
}

/// Whether the kernel lets this process use it.
pub fn io_uring(machine: &Machine) -> Found {
    had(machine, names::IO_URING)
}

/// What is a fact, or why it is none.
fn had(machine: &Machine, name: &str) -> Found {
    let Some(fact) = machine.facts.iter().find(|fact| fact.name == name) else {
        return Ok("not told here".into());
    };
    fact.absent.clone().map_or_else(|| Ok(fact.value.clone()), Err)
}

/// What most comparisons send, in bytes.
const LARGE: u64 = 65_536;

/// Whether POSIX message queues carry what is compared.
pub fn message_queues(machine: &Machine) -> Found {
    let says = |text: &str| format!("messages of up to {text} bytes");
    let large = |text: &str| text.parse::<u64>().is_ok_and(|bytes| bytes >= LARGE);
    judge(machine.fact(names::MQUEUE), large, says).map(|text| if large(&text) { says(&text) } else { text })
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
            absent: None,
            fleeting: false,
        };
        Machine { processors: 2, facts: facts.iter().map(fact).collect(), ..Machine::default() }
    }

    #[rstest]
    #[case::a_quota(quota, names::QUOTA, "no limit", "0.50 processors")]
    #[case::a_governor(governor, names::GOVERNOR, "performance", "powersave")]
    #[case::two_governors(governor, names::GOVERNOR, "performance", "0: performance, 1: powersave")]
    #[case::a_clock(clock, names::CLOCK, "tsc", "hpet")]
    #[case::a_load(quiet, names::LOAD, "0.49", "0.51")]
    #[case::theft(own_time, names::STOLEN, "1.0 %", "1.1 %")]
    #[case::pacing(congestion, names::CONGESTION, "cubic", "bbr")]
    #[case::a_build(optimised, names::BUILD, "release", "debug")]
    #[case::queues(message_queues, names::MQUEUE, "65536", "8192")]
    fn a_condition_is_judged_by_its_fact(
        #[case] look: fn(&Machine) -> Found,
        #[case] name: &str,
        #[case] well: &str,
        #[case] ill: &str,
    ) {
        assert!(look(&machine(&[(name, well)])).is_ok(), "{well}");
        assert!(look(&machine(&[(name, ill)])).unwrap_err().contains(ill), "{ill}");
    }

    #[test]
    fn what_is_not_told_is_held_against_nobody() {
        for condition in CONDITIONS {
            assert!((condition.look)(&machine(&[])).is_ok(), "{}", condition.lack.name);
        }
    }

    #[test]
    fn what_is_refused_says_why() {
        let mut machine = machine(&[(names::CALLS, "can be counted")]);
        assert_eq!(calls(&machine), Ok("can be counted".to_owned()));
        machine.facts[0].absent = Some("forbidden".into());
        assert_eq!(calls(&machine), Err("forbidden".to_owned()));
    }

    #[test]
    fn one_processor_is_one_too_few() {
        assert!(second_processor(&Machine { processors: 1, ..Machine::default() }).is_err());
        assert!(second_processor(&machine(&[])).is_ok());
    }
}

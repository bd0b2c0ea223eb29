//! What two runs do not have in common, so that nobody takes a new kernel for a slower server.

use crate::bench::comparison::{Comparison, Fact, Machine};
use crate::transport::Tuning;

/// Something that was otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What it is.
    pub name: String,
    /// As it was in the first run; empty if it was not told.
    pub before: String,
    /// As it is in the second; empty likewise.
    pub now: String,
}

/// All differences between the conditions of two runs.
pub(super) fn between(before: &Comparison, now: &Comparison) -> Vec<Difference> {
    let (old, new) = (conditions(before), conditions(now));
    let value = |of: &[Fact], name: &str| {
        of.iter().find(|fact| fact.name == name).map(|fact| fact.value.clone()).unwrap_or_default()
    };
    let mut names: Vec<&String> = old.iter().chain(&new).map(|fact| &fact.name).collect();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    let both = names.into_iter().map(|name| Difference {
        name: name.clone(),
        before: value(&old, name),
        now: value(&new, name),
    });
    let timed = timed(before, now);
    both.filter(|difference| difference.before != difference.now).chain(timed).collect()
}

/// The time of a round is what was left of the whole: a little more or less means nothing.
fn timed(before: &Comparison, now: &Comparison) -> Option<Difference> {
    const ALIKE: f64 = 1.5;
    let (old, new) = (before.method.timed, now.method.timed);
    let shown = |seconds: f64| format!("{:.1} ms", seconds * 1e3);
    (old.max(new) > ALIKE * old.min(new)).then(|| Difference {
        name: "timed part of a round".into(),
        before: shown(old),
        now: shown(new),
    })
}

fn conditions(run: &Comparison) -> Vec<Fact> {
    let Machine { system, processor, processors, pinned, facts } = &run.machine;
    let pinned = pinned.map(|(client, server)| format!("{client} and {server}")).unwrap_or_default();
    let mut all = vec![
        fact("echospec", &run.version),
        fact("system", system),
        fact("processor", processor.as_deref().unwrap_or_default()),
        fact("processors", &processors.to_string()),
        fact("pinned to", &pinned),
    ];
    all.extend(facts.iter().filter(|fact| !fact.fleeting).cloned());
    all.extend(tuning(&run.method.tuning));
    all.extend(run.arms.iter().map(|arm| fact(&format!("command of {}", arm.name), &arm.command)));
    all
}

fn tuning(tuning: &Tuning) -> [Fact; 4] {
    let bytes = |size: Option<usize>| size.map(|bytes| bytes.to_string()).unwrap_or_default();
    [
        fact("TCP_NODELAY", &tuning.nodelay.to_string()),
        fact("TCP_CONGESTION", tuning.congestion.as_deref().unwrap_or_default()),
        fact("socket buffer", &bytes(tuning.socket_buffer)),
        fact("pipe size", &bytes(tuning.pipe_size)),
    ]
}

fn fact(name: &str, value: &str) -> Fact {
    Fact {
        name: name.to_owned(),
        value: value.to_owned(),
        source: String::new(),
        absent: None,
        fleeting: false,
    }
}

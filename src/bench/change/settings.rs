//! Finds differences between the machines and settings of two runs.

use std::collections::BTreeSet;

use super::SettingChange;
use crate::bench::comparison::{Comparison, Fact, Machine};
use crate::transport::Tuning;

/// Returns all settings of a comparison that differ between two runs.
pub(super) fn find_setting_changes(before: &Comparison, now: &Comparison) -> Vec<SettingChange> {
    let (old, new) = (settings(before), settings(now));
    let value = |of: &[Fact], name: &str| {
        of.iter().find(|fact| fact.name == name).map(|fact| fact.value.clone()).unwrap_or_default()
    };
    let mut names: Vec<&String> = old.iter().chain(&new).map(|fact| &fact.name).collect();
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    let both = names.into_iter().map(|name| SettingChange {
        name: name.clone(),
        before: value(&old, name),
        now: value(&new, name),
    });
    both.filter(|change| change.before != change.now).chain(timed(before, now)).collect()
}

/// Reports the durations of measurements' timed parts if they differ between two runs. They depend on the time that
/// was left, so a small difference does not count.
fn timed(before: &Comparison, now: &Comparison) -> Option<SettingChange> {
    const SIMILAR: f64 = 1.5;
    let (old, new) = (before.method.timed, now.method.timed);
    let show = |seconds: f64| format!("{:.1} ms", seconds * 1e3);
    (old.max(new) > SIMILAR * old.min(new)).then(|| SettingChange {
        name: "timed part of a round".into(),
        before: show(old),
        now: show(new),
    })
}

fn settings(run: &Comparison) -> Vec<Fact> {
    let Machine { system, processor, processors, pinned, facts } = &run.machine;
    let pinned = pinned.map(|(client, server)| format!("{client} and {server}")).unwrap_or_default();
    let mut all = vec![
        fact("echospec", &run.version),
        fact("system", system),
        fact("processor", processor.as_deref().unwrap_or_default()),
        fact("processors", &processors.to_string()),
        fact("pinned to", &pinned),
    ];
    all.extend(facts.iter().filter(|fact| !fact.varies).cloned());
    all.extend(tuning(&run.method.tuning));
    all.extend(run.candidates.iter().map(|it| fact(&format!("command of {}", it.name), &it.command)));
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
    let (name, value) = (name.to_owned(), value.to_owned());
    Fact { name, value, source: String::new(), unknown: None, varies: false }
}

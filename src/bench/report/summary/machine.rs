//! The description of the machine.

use crate::bench::comparison::{Comparison, Fact};
use crate::bench::report::document::{Document, Tone};
use crate::bench::report::labels;
use crate::transport::Tuning;

/// Writes every fact about the machine into a report, and the reason for each unknown one.
pub(super) fn write(comparison: &Comparison, document: &mut Document) {
    let facts = &comparison.machine.facts;
    if facts.is_empty() {
        return;
    }
    document
        .add_title("Machine", "as far as it affects the results; --json includes the source of each value");
    for fact in facts.iter().filter(|fact| fact.unknown.is_none()) {
        document.add_item(Tone::Plain, format!("{}: {}", fact.name, fact.value));
    }
    for (name, value) in options(&comparison.method.tuning) {
        document.add_item(Tone::Plain, format!("{name}, set for this run: {value}"));
    }
    unknown(facts, document);
}

/// Writes one line of a report for each reason why facts about the machine are unknown.
fn unknown(facts: &[Fact], document: &mut Document) {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for fact in facts {
        let Some(reason) = fact.unknown.as_deref() else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(&fact.name),
            None => reasons.push((reason, vec![&fact.name])),
        }
    }
    for (reason, names) in reasons {
        document.add_item(Tone::Quiet, format!("unknown: {} ({reason})", labels::join_with_and(&names)));
    }
}

/// Lists the options set on the measured mechanisms, with their values.
fn options(tuning: &Tuning) -> Vec<(&'static str, String)> {
    let bytes = |size: Option<usize>| size.map(|bytes| format!("{bytes} bytes"));
    let nodelay = if tuning.nodelay { "on" } else { "off: Nagle's algorithm waits for acknowledgements" };
    let options = [
        ("TCP_NODELAY", Some(nodelay.to_owned())),
        ("TCP_CONGESTION", tuning.congestion.clone()),
        ("SO_SNDBUF and SO_RCVBUF", bytes(tuning.socket_buffer)),
        ("F_SETPIPE_SZ", bytes(tuning.pipe_size)),
    ];
    options.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

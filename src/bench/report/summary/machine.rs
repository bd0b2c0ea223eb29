//! The machine as it was described: for whoever asks, and for whoever reads it elsewhere.

use crate::bench::comparison::{Comparison, Fact};
use crate::bench::report::document::{Document, Tone};
use crate::bench::report::labels;
use crate::transport::Tuning;

/// Every fact, and what is not known with the reason.
pub(super) fn tell(comparison: &Comparison, document: &mut Document) {
    let facts = &comparison.machine.facts;
    if facts.is_empty() {
        return;
    }
    document.title("The machine", "as far as it changes figures; --json tells where each was read");
    for fact in facts.iter().filter(|fact| fact.absent.is_none()) {
        document.item(Tone::Plain, format!("{}: {}", fact.name, fact.value));
    }
    for (name, value) in set(&comparison.method.tuning) {
        document.item(Tone::Plain, format!("{name}, set for this run: {value}"));
    }
    unknown(facts, document);
}

/// What is not known for one reason is told in one line.
fn unknown(facts: &[Fact], document: &mut Document) {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for fact in facts {
        let Some(why) = fact.absent.as_deref() else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, names)) => names.push(&fact.name),
            None => reasons.push((why, vec![&fact.name])),
        }
    }
    for (why, names) in reasons {
        document.item(Tone::Quiet, format!("not known: {} ({why})", labels::list(&names)));
    }
}

/// What was set on the mechanisms, whatever the system's own settings are.
fn set(tuning: &Tuning) -> Vec<(&'static str, String)> {
    let bytes = |size: Option<usize>| size.map(|bytes| format!("{bytes} bytes"));
    let nagle = if tuning.nodelay { "on" } else { "off, so Nagle's algorithm waits for acknowledgements" };
    let chosen = [
        ("TCP_NODELAY", Some(nagle.to_owned())),
        ("TCP_CONGESTION", tuning.congestion.clone()),
        ("SO_SNDBUF and SO_RCVBUF", bytes(tuning.socket_buffer)),
        ("F_SETPIPE_SZ", bytes(tuning.pipe_size)),
    ];
    chosen.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

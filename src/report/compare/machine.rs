//! The machine as it was described: for whoever asks, and for whoever reads it elsewhere.

use super::document::{Document, Field, Side, Table};
use crate::measures::figures::{Comparison, Fact};

/// Every fact with its source, and those that are not known with the reason.
pub(super) fn tell(comparison: &Comparison, document: &mut Document) {
    let facts = &comparison.machine.facts;
    if facts.is_empty() {
        return;
    }
    document.title("The machine", "as far as it changes figures");
    let mut table = Table::of([("what", Side::Left), ("is", Side::Left)]);
    for fact in facts.iter().chain(&set(comparison)) {
        let value = match &fact.absent {
            None => Field::plain(&fact.value),
            Some(why) => Field::quiet(format!("not known: {why}")),
        };
        table.rows.push(vec![Field::plain(&fact.name), value]);
    }
    document.table(table);
}

/// What was set on the mechanisms for this run, whatever the system's own settings are.
fn set(comparison: &Comparison) -> Vec<Fact> {
    let tuning = &comparison.method.tuning;
    let bytes = |size: Option<usize>| size.map_or_else(|| "the system's".to_owned(), |it| it.to_string());
    let fact = |name: &str, value: String| Fact {
        name: name.to_owned(),
        value,
        source: "the command line".into(),
        absent: None,
        fleeting: false,
    };
    vec![
        fact("TCP_NODELAY", if tuning.nodelay { "on" } else { "off: Nagle's algorithm" }.to_owned()),
        fact("TCP_CONGESTION", tuning.congestion.clone().unwrap_or_else(|| "the system's".to_owned())),
        fact("SO_SNDBUF and SO_RCVBUF", bytes(tuning.socket_buffer)),
        fact("F_SETPIPE_SZ", bytes(tuning.pipe_size)),
    ]
}

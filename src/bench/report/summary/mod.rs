//! A comparison told from the answer down: who is first, the tables, and what they rest on.

use super::document::{Document, Field, Side, Table, Tone};
use super::ranking::{Group, groups};
use crate::bench::report::{labels, units};

mod answer;
mod exclusions;
mod machine;
mod overview_table;
mod ranked_table;

use crate::bench::comparison::{Cell, Comparison, Measure, Placement};

/// The whole of it; the machine only if that is wanted.
pub(super) fn tell(comparison: &Comparison, with_machine: bool) -> Document {
    let mut document = Document::default();
    heading(comparison, &mut document);
    let groups = groups(comparison);
    let families = families(&groups);
    answer::give(
        &families.iter().filter_map(|it| chief(it)).filter(|it| !it.terms.open).collect::<Vec<_>>(),
        &mut document,
    );
    let mut warned = Vec::new();
    for family in &families {
        tell_family(comparison, family, &mut warned, &mut document);
    }
    exclusions::tell(comparison, &mut document);
    floors(comparison, &mut document);
    if with_machine {
        machine::tell(comparison, &mut document);
    }
    warnings(comparison, &mut document);
    method(comparison, &mut document);
    document
}

fn heading(comparison: &Comparison, document: &mut Document) {
    let machine = &comparison.machine;
    let model = machine.processor.as_ref().map(|model| format!(", {model}")).unwrap_or_default();
    let cores = match machine.pinned {
        Some((client, server)) if client != server => {
            format!("client on core {client}, server on core {server}")
        }
        Some((both, _)) => format!("client and server on core {both}"),
        None => "not pinned".into(),
    };
    let processors = crate::text::count(machine.processors, "processor");
    document.line(Tone::Quiet, format!("{}{model}, {processors}; {cores}", machine.system));
    if comparison.interrupted {
        document.line(Tone::Doubtful, "Interrupted: this is what had been measured by then.");
    }
}

/// Groups that differ only in the size, or in the rate, of their messages.
fn families<'a, 'b>(groups: &'b [Group<'a>]) -> Vec<Vec<&'b Group<'a>>> {
    let mut families: Vec<Vec<&Group<'_>>> = Vec::new();
    let kin = |one: &Group<'_>, other: &Group<'_>| {
        let (one, other) = (one.terms, other.terms);
        let same = (one.measure, one.open, one.placement) == (other.measure, other.open, other.placement);
        same && (!one.open || one.size == other.size)
    };
    for group in groups {
        match families.last_mut() {
            Some(family) if family.first().is_some_and(|first| kin(first, group)) => family.push(group),
            _ => families.push(vec![group]),
        }
    }
    families
}

/// What must be known of a placement is told once, where it first appears.
fn tell_family(
    comparison: &Comparison,
    family: &[&Group<'_>],
    warned: &mut Vec<Placement>,
    document: &mut Document,
) {
    let Some(chief) = chief(family) else { return };
    let whereabouts = labels::whereabouts(chief.terms.placement);
    let aside = format!("--placement {}", labels::placement(chief.terms.placement));
    if !chief.terms.open {
        let subject = labels::subject(chief.terms.measure, chief.terms.size);
        document.title(format!("{subject}, {whereabouts}"), aside.clone());
        document.table(ranked_table::table(comparison, chief));
        if !warned.contains(&chief.terms.placement) {
            warned.push(chief.terms.placement);
            notes(chief, document);
        }
    }
    if chief.terms.open {
        let title =
            format!("Round trip of {} sent at a fixed rate, {whereabouts}", units::size(chief.terms.size));
        document.title(title, format!("p50 / p99; {aside}"));
        document.table(overview_table::table(comparison, family, |group| {
            units::rate(group.terms.rate.unwrap_or_default())
        }));
    } else if family.len() > 1 {
        document.title(format!("{} by size, {whereabouts}", kind(chief.terms.measure)), "");
        document.table(overview_table::table(comparison, family, |group| units::size(group.terms.size)));
    }
}

/// The group that is shown in full: small messages for times, large ones for throughput.
fn chief<'a, 'b>(family: &[&'b Group<'a>]) -> Option<&'b Group<'a>> {
    let of = |size: usize| family.iter().find(|group| group.terms.size == size);
    let chosen = match family.first()?.terms.measure {
        Measure::Throughput => of(65_536).or(family.last()),
        Measure::RoundTrip | Measure::Connections => of(64).or(family.first()),
    };
    chosen.copied()
}

const fn kind(measure: Measure) -> &'static str {
    match measure {
        Measure::RoundTrip => "Round trip",
        Measure::Throughput => "Throughput",
        Measure::Connections => "Connections",
    }
}

fn notes(group: &Group<'_>, document: &mut Document) {
    if let Some(caution) = labels::caution(group.terms.placement) {
        let doubtful = matches!(group.terms.placement, Placement::Cross | Placement::Spin);
        document.line(if doubtful { Tone::Doubtful } else { Tone::Quiet }, caution);
    }
    if group.terms.placement == Placement::Spin {
        let worst = group.places.iter().filter_map(|place| cores(place.cell)).fold(0.0, f64::max);
        if worst > 0.0 {
            document.line(Tone::Doubtful, format!("Here up to {worst:.1} cores were busy all the time."));
        }
    }
}

/// How many cores were busy while it was measured.
fn cores(cell: &Cell) -> Option<f64> {
    let used: f64 = cell.rounds.iter().map(|round| round.cost.cpu() * round.messages as f64).sum();
    let seconds: f64 = cell.rounds.iter().map(|round| round.seconds).sum();
    (seconds > 0.0).then(|| used / (seconds * 1e9))
}

fn floors(comparison: &Comparison, document: &mut Document) {
    if comparison.floors.is_empty() {
        return;
    }
    document.title("What the machine itself costs", "measured in the same run");
    let mut table = Table::of([("floor", Side::Left), ("time", Side::Right), ("", Side::Left)]);
    for floor in &comparison.floors {
        let time = units::estimate(&floor.time, Measure::RoundTrip);
        table.rows.push(vec![Field::plain(&floor.name), Field::plain(time), Field::quiet(&floor.says)]);
    }
    document.table(table);
}

fn warnings(comparison: &Comparison, document: &mut Document) {
    if comparison.warnings.is_empty() {
        return;
    }
    document.title("Be warned", "");
    for warning in &comparison.warnings {
        let cause = if warning.cause.is_empty() { String::new() } else { format!(": {}", warning.cause) };
        let mend =
            if warning.mend.is_empty() { String::new() } else { format!("; to mend it: {}", warning.mend) };
        document.item(Tone::Doubtful, format!("{}{cause}{mend}", warning.says));
    }
}

fn method(comparison: &Comparison, document: &mut Document) {
    let method = &comparison.method;
    document.title("Method", "`echospec explain compare` has all of it");
    document.line(
        Tone::Quiet,
        format!(
            "Medians of {} with their 95 % intervals, each round with a fresh pair of processes, warmed up for {} and \
             timed for {}; mechanisms interleaved in an order drawn anew for each round (seed {}); every echoed byte \
             verified. = marks a tie: intervals that overlap. CPU, context switches and system calls are those of both \
             processes for one message there and back. Reading the clock costs {}, which is subtracted. {} repeated, \
             having been disturbed. In all {:.0} s.",
            crate::text::count(method.rounds, "round"),
            units::time(method.warm_up * 1e9),
            units::time(method.timed * 1e9),
            comparison.seed,
            units::time(method.clock),
            crate::text::count(method.repeated as usize, "round"),
            comparison.seconds,
        ),
    );
}

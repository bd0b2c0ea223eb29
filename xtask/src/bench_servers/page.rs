//! The tables of `docs/concurrency.md`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use echospec::bench::comparison::Estimate;

use super::cell::{Cell, thousands};
use super::generator::Figures;
use super::results::{Results, Row};

/// The lines between which the page is generated.
const BEGIN: &str = "<!-- bench-servers: begin -->\n";
const END: &str = "<!-- bench-servers: end -->\n";

/// Writes the tables into the page at `path`. Leaves the text before and after them as it is.
pub fn write(path: &Path, results: &Results) -> Result<()> {
    let page = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let marks = page.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let (head, tail) = marks.with_context(|| format!("{} has lost its marks", path.display()))?;
    fs::write(path, format!("{head}{BEGIN}\n{}\n{END}{tail}", tables(results)))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Returns all tables in Markdown.
pub fn tables(results: &Results) -> String {
    let mut text = about(results);
    text += "\n### Our best against the best of the others\n\n";
    text += &duels(results);
    for cell in results.cells() {
        let clients = if cell.connections == 1 { "1 connection".into() } else { connections(cell) };
        text += &format!("\n### {}, {clients}\n\n{}", cell.size_label(), cell_table(results, cell));
    }
    if !results.memory.is_empty() {
        text += &format!("\n### Idle connections\n\n{}", memory_table(results));
    }
    text
}

fn connections(cell: Cell) -> String {
    format!("{} connections", thousands(cell.connections))
}

fn about(results: &Results) -> String {
    let machine = &results.machine;
    let processor = machine.processor.as_deref().unwrap_or("unknown processor");
    let congestion = machine.fact("net.ipv4.tcp_congestion_control").unwrap_or("unknown");
    let mut text = format!(
        "Measured on {}, {}, {processor}, {} processors; {}. TCP over the loopback interface, congestion control {congestion}. \
         {} rounds of {} s. Load by {}.\n",
        date(results.began),
        machine.system,
        machine.processors,
        results.processors,
        results.rounds,
        results.seconds,
        results.generator,
    );
    if results.interrupted {
        text += "\n**The run was interrupted: rounds are missing.**\n";
    }
    for (name, reason) in &results.absent {
        text += &format!("\nNot measured: {name}: {reason}.\n");
    }
    text
}

fn duels(results: &Results) -> String {
    let mut text = String::from(
        "| cell | our best | best of the others | requests/s, ours / theirs | server CPU a request, ours / theirs |\n\
         |---|---|---|---|---|\n",
    );
    for cell in results.cells() {
        if let Some(duel) = results.duel(cell) {
            let pair = if (duel.ours, duel.peer) == (duel.cheapest_ours, duel.cheapest_peer) {
                String::new()
            } else {
                format!(" ({} / {})", duel.cheapest_ours, duel.cheapest_peer)
            };
            text += &format!(
                "| {cell} | {} | {} | {} | {}{pair} |\n",
                duel.ours,
                duel.peer,
                ratio(duel.rate),
                ratio(duel.cost)
            );
        }
    }
    text
}

fn cell_table(results: &Results, cell: Cell) -> String {
    let rows = results.rows(cell);
    let peer = rows.iter().find(|row| !row.server.is_ours() && row.has_figures());
    let mut text = String::from(
        "| server | model | requests/s | × best of the others | server CPU, µs a request | client CPU, µs a request | \
         p50 | p99 | p99.9 | p99.9 / p50 |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in &rows {
        text += &line(row, peer);
    }
    if rows.iter().any(Row::client_is_full) {
        text += "\n\\* The client's processor is the limit: the server can do more.\n";
    }
    text
}

fn line(row: &Row, peer: Option<&Row>) -> String {
    let name = if row.server.is_ours() { format!("**{}**", row.server.name) } else { row.server.name.into() };
    let Some(rate) = row.estimate(Figures::rate) else {
        let reason = row.error.as_deref().unwrap_or("not measured").replace('|', "/");
        return format!("| {name} | {} | {reason} ||||||||\n", row.server.model);
    };
    let full = if row.client_is_full() { "\\*" } else { "" };
    let margin = (rate.high - rate.value).max(rate.value - rate.low);
    let compared = peer.and_then(|peer| row.ratio(peer, Figures::rate)).map_or("–".into(), ratio);
    let percentile = |ns: Option<f64>| ns.map_or("–".into(), time);
    let (p50, p999) = (row.latency(|it| it.p50), row.latency(|it| it.p999));
    let spread = p50.zip(p999).map_or("–".into(), |(p50, p999)| format!("{:.1}", p999 / p50));
    format!(
        "| {name} | {} | {} ± {}{full} | {compared} | {:.2} | {:.2} | {} | {} | {} | {spread} |\n",
        row.server.model,
        thousands(rate.value.round() as usize),
        thousands(margin.round() as usize),
        row.value(Figures::server_cost),
        row.value(Figures::client_cost),
        percentile(p50),
        percentile(row.latency(|it| it.p99)),
        percentile(p999),
    )
}

fn memory_table(results: &Results) -> String {
    let mut text = String::from("| server | KiB a connection | 1,000 connections made in |\n|---|--:|--:|\n");
    let mut rows: Vec<_> = results.memory.iter().collect();
    rows.sort_by(|one, other| one.idle.total_cmp(&other.idle));
    for row in rows {
        text += &format!(
            "| {} | {:.1} | {} |\n",
            row.server,
            (row.idle / 1024.0).max(0.0),
            time(row.connect_seconds * 1e9)
        );
    }
    text
}

/// `1.03 [1.01, 1.06]`
fn ratio(estimate: Estimate) -> String {
    format!("{:.2} [{:.2}, {:.2}]", estimate.value, estimate.low, estimate.high)
}

/// Formats a time in nanoseconds with three digits.
fn time(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    let decimals = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.decimals$} {unit}")
}

/// Formats seconds since 1970 as a date (UTC): the civil calendar, in eras of 400 years.
fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", year + era * 400 + next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_is_of_the_civil_calendar() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400), "2000-02-29");
        assert_eq!(date(1_795_910_400), "2026-11-29");
    }

    #[test]
    fn time_has_three_digits() {
        assert_eq!(
            [time(1_830.0), time(45_600.0), time(668e6), time(1.2e9)].join(" "),
            "1.83 µs 45.6 µs 668 ms 1.20 s"
        );
    }
}

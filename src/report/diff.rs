//! The differences between two runs: checks that newly fail, that newly pass, that fail for another reason, and that are
//! slower.

use std::io::{self, Write};

use super::record::{CheckFinished, RunRecord};
use crate::outcome::Outcome;
use crate::text::count_with_noun;

/// The factor by which a check must have become slower between two runs to be listed.
const SLOWER: f64 = 2.0;
/// The time, in milliseconds, by which a check must have become slower between two runs to be listed. Less is noise.
const MIN_SLOWER: f64 = 500.0;

/// Writes the differences between the runs `old` and `new`, and returns the number of checks that newly fail.
///
/// # Errors
/// Those of writing.
pub fn write_diff(old: &[RunRecord], new: &[RunRecord], out: &mut dyn Write) -> io::Result<usize> {
    let pairs = pairs(old, new);
    let sections = [
        ("newly failing", select(&pairs, |before, after| !before.is_bad() && after.is_bad())),
        ("newly fixed", select(&pairs, |before, after| before.is_bad() && !after.is_bad())),
        ("failing for another reason", select(&pairs, fails_otherwise)),
        ("another outcome", select(&pairs, changed_otherwise)),
        ("slower", select(&pairs, is_slower)),
    ];
    let mut is_equal = true;
    for (title, section) in sections.iter().filter(|(_, section)| !section.is_empty()) {
        is_equal = false;
        writeln!(out, "{title}: {}", count_with_noun(section.len(), "check"))?;
        section.iter().try_for_each(|pair| pair.write(out))?;
    }
    for (title, runs) in
        [("only in the old run", without(old, new)), ("only in the new run", without(new, old))]
    {
        for run in runs {
            is_equal = false;
            writeln!(out, "{title}: {run}")?;
        }
    }
    if is_equal {
        writeln!(out, "no difference in {}", count_with_noun(pairs.len(), "check"))?;
    }
    Ok(sections[0].1.len())
}

/// The results of one check of one server in two runs.
struct Pair<'a> {
    server: &'a str,
    before: &'a CheckFinished,
    after: &'a CheckFinished,
}

impl Pair<'_> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Pair { server, before, after } = self;
        let (was, is) = (before.outcome, after.outcome);
        let times = format!("{:.0} ms, {:.0} ms", before.took_millis, after.took_millis);
        writeln!(out, "  {:<28} {was} → {is}  ({times})  {server}", after.check)?;
        if after.is_bad() {
            writeln!(out, "      {}", after.headline())?;
        }
        Ok(())
    }
}

/// Pairs the results of checks that two runs have in common. Servers are the same if their title, transport and start
/// are.
fn pairs<'a>(old: &'a [RunRecord], new: &'a [RunRecord]) -> Vec<Pair<'a>> {
    let mut pairs = Vec::new();
    for run in new {
        let Some(former) = old.iter().find(|former| key(former) == key(run)) else { continue };
        for after in &run.checks {
            if let Some(before) = former.checks.iter().find(|before| before.check == after.check) {
                pairs.push(Pair { server: run.title(), before, after });
            }
        }
    }
    pairs
}

fn key(run: &RunRecord) -> (&str, &str, &str) {
    (run.title(), &run.started.server.transport, &run.started.server.start)
}

/// Returns the titles of runs whose server has no counterpart among `others`.
fn without<'a>(runs: &'a [RunRecord], others: &[RunRecord]) -> Vec<&'a str> {
    let has_none = |run: &&RunRecord| !others.iter().any(|other| key(other) == key(run));
    runs.iter().filter(has_none).map(RunRecord::title).collect()
}

fn select<'p, 'a>(
    pairs: &'p [Pair<'a>],
    matches: impl Fn(&CheckFinished, &CheckFinished) -> bool,
) -> Vec<&'p Pair<'a>> {
    pairs.iter().filter(|pair| matches(pair.before, pair.after)).collect()
}

fn fails_otherwise(before: &CheckFinished, after: &CheckFinished) -> bool {
    before.is_bad()
        && after.is_bad()
        && (before.outcome != after.outcome
            || without_digits(&before.actual) != without_digits(&after.actual))
}

fn changed_otherwise(before: &CheckFinished, after: &CheckFinished) -> bool {
    before.outcome != after.outcome && !before.is_bad() && !after.is_bad()
}

fn is_slower(before: &CheckFinished, after: &CheckFinished) -> bool {
    after.took_millis > before.took_millis * SLOWER && after.took_millis > before.took_millis + MIN_SLOWER
}

/// Returns `text` of a finding without digits: process ids, ports and times differ in every run.
fn without_digits(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_ascii_digit()).collect()
}

impl CheckFinished {
    /// Whether a check failed, or the harness could not decide.
    fn is_bad(&self) -> bool {
        self.outcome.is_failure() || self.outcome == Outcome::Broken
    }
}

//! Findings of one server that look like one fault: the server exits in the same way, or the words differ in numbers only.

use std::cmp::Reverse;

use crate::outcome::Outcome;
use crate::report::record::{CheckFinished, RunRecord};
use crate::text::count_with_noun;

/// Findings of one server in which the same thing happened.
#[derive(Debug)]
pub(super) struct Cause<'a> {
    /// The event that the findings of a cause have in common, as a sentence. Empty for a single finding.
    pub summary: String,
    /// The findings of a cause. The most severe come first, and of those the ones with a short
    /// timeline.
    pub checks: Vec<&'a CheckFinished>,
}

/// Groups the findings of a run by their causes. Failures come first, and then causes with more
/// findings.
pub(super) fn causes(run: &RunRecord) -> Vec<Cause<'_>> {
    let mut found: Vec<(String, Cause<'_>)> = Vec::new();
    for check in run.findings() {
        let (key, summary) = likeness(check);
        match found.iter_mut().find(|(known, _)| *known == key) {
            Some((_, cause)) => cause.checks.push(check),
            None => found.push((key, Cause { summary, checks: vec![check] })),
        }
    }
    let mut causes: Vec<_> = found.into_iter().map(|(_, cause)| cause.finished()).collect();
    causes.sort_by_key(|cause| (severity(cause.checks[0].outcome), Reverse(cause.checks.len())));
    causes
}

impl Cause<'_> {
    fn finished(mut self) -> Self {
        self.checks.sort_by_key(|check| (severity(check.outcome), check.timeline.len() / SIMILAR));
        self.summary = match self.checks.len() {
            1 => String::new(),
            number => format!("{}: {}", count_with_noun(number, "finding"), self.summary),
        };
        self
    }
}

/// Timelines of the same length in this unit are taken to be equally short. The order of the checks then decides.
const SIMILAR: usize = 8;

fn severity(outcome: Outcome) -> u8 {
    match outcome {
        _ if outcome.is_failure() => 0,
        Outcome::Warn => 1,
        _ => 2,
    }
}

/// Returns the text that findings of the same cause share, and that text in words for a reader.
fn likeness(check: &CheckFinished) -> (String, String) {
    let printed = check.server_output.last().map_or("", String::as_str);
    if let Some(status) = exit_status(check) {
        let words = if printed.is_empty() {
            format!("the server exits: {status}")
        } else {
            format!("the server exits: {status}. The last line that it printed: {printed}")
        };
        return (format!("exit {status} {}", without_numbers(printed)), words);
    }
    let seen = if check.actual.is_empty() { &check.reason } else { &check.actual };
    let seen = seen.lines().next().unwrap_or_default();
    let key = format!("{} {}", check.outcome.word(), without_numbers(&without_quotes(seen)));
    (key, seen.to_owned())
}

/// Returns the exit status of a server that crashed, in words, if the finding tells it.
fn exit_status(check: &CheckFinished) -> Option<&str> {
    let after = |text: &'_ str| text.find(ENDED).map(|at| at + ENDED.len());
    if let Some(at) = after(&check.reason) {
        return check.reason[at..].lines().next();
    }
    let is_crash = check.outcome == Outcome::Crash || check.reason == Outcome::Crash.word();
    is_crash.then(|| check.actual.lines().next()).flatten()
}

/// The words before the exit status of a server that crashed, in the reason of a finding.
const ENDED: &str = "the server has ended: ";

/// Replaces each number in `text` by `#`, so that texts about other ports or sizes are alike.
fn without_numbers(text: &str) -> String {
    let mut alike = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '0'..='9' if alike.ends_with('#') => (),
            ',' if alike.ends_with('#') => (),
            '0'..='9' => alike.push('#'),
            _ => alike.push(letter),
        }
    }
    alike
}

/// Removes the quoted bytes in `text`: those of a request are others in each check.
fn without_quotes(text: &str) -> String {
    let pieces = text.split('"').step_by(2);
    pieces.collect::<Vec<_>>().join("\"").replace("bytes", "byte")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::runs;

    fn run_of(findings: &[(Outcome, &str, &str)]) -> RunRecord {
        let mut run = runs("").remove(0);
        let sample = run.checks.iter().find(|check| check.outcome == Outcome::Fail).unwrap().clone();
        let check = |(outcome, actual, reason): &(Outcome, &str, &str)| CheckFinished {
            outcome: *outcome,
            actual: (*actual).into(),
            reason: (*reason).into(),
            ..sample.clone()
        };
        run.checks = findings.iter().map(check).collect();
        run
    }

    #[test]
    fn one_crash_in_many_checks_is_one_cause() {
        let run = run_of(&[
            (Outcome::Warn, "Connection refused", "crash: client 2; the server has ended: exit status 1"),
            (Outcome::Fail, "nothing for 5 s", ""),
            (Outcome::Crash, "the connection was reset", "the server has ended: exit status 1"),
            (Outcome::Warn, "exit status 1", "crash"),
            (Outcome::Crash, "the connection was reset", "the server has ended: signal 11 (SIGSEGV)"),
        ]);
        let causes = causes(&run);
        let sizes: Vec<_> = causes.iter().map(|cause| cause.checks.len()).collect();
        assert_eq!(sizes, [3, 1, 1]);
        assert_eq!(causes[0].checks[0].outcome, Outcome::Crash);
        let summary = "3 findings: the server exits: exit status 1. The last line that it printed: ready";
        assert_eq!(causes[0].summary, summary);
        assert_eq!(causes[1].summary, "");
    }

    #[test]
    fn other_numbers_and_bytes_make_no_other_cause() {
        let run = run_of(&[
            (Outcome::Fail, "end of file after 1 byte sent", ""),
            (Outcome::Fail, "end of file after 32,768 bytes sent", ""),
            (Outcome::Fail, "nothing came back", ""),
            (Outcome::Fail, "at byte 7: \"b\" instead of \"a\"", ""),
            (Outcome::Fail, "at byte 8: \"d\\xff\" instead of \"c\"", ""),
        ]);
        let sizes: Vec<_> = causes(&run).iter().map(|cause| cause.checks.len()).collect();
        assert_eq!(sizes, [2, 2, 1]);
    }
}

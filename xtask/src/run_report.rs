//! The report of one run of `echospec check`, as `--json` writes it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use echospec::text::count_with_noun;
use serde::Deserialize;

use crate::record::Deviation;

/// The results of one run of checks.
#[derive(Debug, Default)]
pub struct RunReport {
    /// The number of checks that passed, or that found what is allowed.
    pub passed: usize,
    /// The checks that could not be run, and the reason of each.
    pub unsupported: BTreeMap<String, String>,
    /// The other results.
    pub failures: Vec<String>,
    /// The reason why no check was run.
    pub refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Report {
    #[serde(default)]
    error: Option<String>,
    checks: Vec<Check>,
}

#[derive(Debug, Deserialize)]
struct Check {
    id: String,
    outcome: String,
    expected: String,
    actual: String,
    reason: String,
}

impl RunReport {
    /// Reads a report.
    pub fn read(json: &str) -> Result<RunReport> {
        let report: Report = serde_json::from_str(json).context("not a report of echospec check")?;
        let mut run = RunReport { refusal: report.error, ..RunReport::default() };
        for check in report.checks {
            match &*check.outcome {
                "pass" | "info" => run.passed += 1,
                "unsupported" => {
                    run.unsupported.insert(check.id.clone(), check.reason());
                }
                _ => run.failures.push(check.describe()),
            }
        }
        Ok(run)
    }

    /// Counts the failures that `deviations` name as passed.
    pub fn accept(&mut self, deviations: &[Deviation]) {
        let lines: Vec<_> = deviations.iter().flat_map(beginnings).collect();
        let failures = self.failures.len();
        self.failures.retain(|failure| !lines.iter().any(|line| failure.starts_with(line)));
        self.passed += failures - self.failures.len();
    }
}

/// Returns the beginnings of the descriptions of failures that are known.
fn beginnings(known: &Deviation) -> Vec<String> {
    let mut found = Vec::new();
    for outcome in &known.outcomes {
        found.extend(known.check.iter().map(|id| format!("{outcome} {id}: ")));
    }
    found
}

impl Check {
    fn reason(self) -> String {
        if !self.reason.is_empty() {
            return self.reason;
        }
        format!("{}: {}", self.expected, self.actual)
    }

    fn describe(&self) -> String {
        let Check { id, outcome, expected, actual, reason } = self;
        format!("{outcome} {id}: expected {expected}; actual {actual} ({reason})")
    }
}

/// Reasons why servers and checks were not run.
#[derive(Debug, Default)]
pub struct Reasons {
    /// The number of servers that were not checked for each reason.
    servers: BTreeMap<String, usize>,
    /// The checks that were not run for each reason.
    checks: BTreeMap<String, BTreeSet<String>>,
}

impl Reasons {
    /// Adds a reason why a server was not checked.
    pub fn add_server(&mut self, reason: &str) {
        *self.servers.entry(without_help(reason)).or_default() += 1;
    }

    /// Adds a reason why the check `id` was not run.
    pub fn add_check(&mut self, reason: &str, id: &str) {
        self.checks.entry(without_help(reason)).or_default().insert(id.to_owned());
    }

    /// Returns the reasons as one line, each with the number of servers, or with the checks.
    pub fn line(&self) -> String {
        let servers =
            self.servers.iter().map(|(why, number)| format!("{}: {why}", count_with_noun(*number, "server")));
        let checks = self.checks.iter().map(|(why, ids)| format!("{}: {why}", list(ids)));
        servers.chain(checks).collect::<Vec<_>>().join("; ")
    }
}

/// Returns a reason without the advice that follows it.
fn without_help(reason: &str) -> String {
    let reason = reason.split("; ").next().unwrap_or_default();
    reason.strip_prefix("limited on this machine: ").unwrap_or(reason).to_owned()
}

/// Returns the ids of checks, or the first of them if they are many.
fn list(ids: &BTreeSet<String>) -> String {
    const FEW: usize = 4;
    let quoted: Vec<_> = ids.iter().map(|id| format!("`{id}`")).collect();
    match quoted.len().saturating_sub(FEW) {
        0 => quoted.join(", "),
        more => format!("{} and {more} more", quoted[..FEW].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Ids;

    fn check(outcome: &str, reason: &str) -> String {
        format!(
            r#"{{"id":"a/{outcome}","outcome":"{outcome}","expected":"x","actual":"y","reason":"{reason}"}}"#
        )
    }

    #[test]
    fn a_report_is_counted() {
        let checks = [check("pass", ""), check("info", "z"), check("unsupported", ""), check("broken", "w")];
        let report = RunReport::read(&format!(r#"{{"checks":[{}]}}"#, checks.join(","))).unwrap();
        assert_eq!(report.passed, 2);
        assert_eq!(report.unsupported["a/unsupported"], "x: y");
        assert_eq!(report.failures, ["broken a/broken: expected x; actual y (w)"]);
        assert_eq!(report.refusal, None);
    }

    #[test]
    fn known_deviations_are_no_failures() {
        let checks = [check("warn", "w"), check("fail", "w")].join(",");
        let mut report = RunReport::read(&format!(r#"{{"checks":[{checks}]}}"#)).unwrap();
        let known = |id: &str| Deviation {
            check: Ids::One(id.to_owned()),
            outcomes: vec!["warn".to_owned()],
            reason: String::new(),
            sometimes: false,
        };
        report.accept(&[known("a/fail"), known("a/war")]);
        assert_eq!((report.failures.len(), report.passed), (2, 0));
        report.accept(&[known("a/warn")]);
        assert_eq!((report.failures.len(), report.passed), (1, 1));
        assert!(report.failures[0].starts_with("fail a/fail: "));
    }

    #[test]
    fn a_refusal_has_a_reason() {
        let report = RunReport::read(r#"{"error":"limited on this machine: a","checks":[]}"#).unwrap();
        assert_eq!(report.refusal.as_deref(), Some("limited on this machine: a"));
    }

    #[test]
    fn reasons_are_joined() {
        let mut reasons = Reasons::default();
        for id in ["a/1", "a/2", "a/3", "a/4", "a/5", "a/1"] {
            reasons.add_check("limited on this machine: packets; help: be root", id);
        }
        reasons.add_server("limited on this machine: no room");
        reasons.add_server("limited on this machine: no room");
        assert_eq!(reasons.line(), "2 servers: no room; `a/1`, `a/2`, `a/3`, `a/4` and 1 more: packets");
    }
}

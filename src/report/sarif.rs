//! SARIF 2.1.0, which code scanning shows: a rule for each check, a result for each finding.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::Format;
use super::record::{CheckFinished, RunRecord};
use crate::outcome::{Level, Outcome};

pub const FORMAT: Format = Format { name: "sarif", summary: "SARIF 2.1.0, for code scanning", render };

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

fn render(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    let log =
        json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": runs.iter().map(run).collect::<Vec<_>>() });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

fn run(run: &RunRecord) -> Value {
    let rules: Vec<Value> = run.checks.iter().map(rule).collect();
    let results: Vec<Value> = run
        .checks
        .iter()
        .enumerate()
        .filter(|(_, check)| check.is_finding())
        .map(|(index, check)| result(run, index, check))
        .collect();
    let error = run.launch_error();
    let notification = |level: &str, text: &str| json!({ "level": level, "message": { "text": text } });
    let differences = run.started.server.differences().iter();
    let notifications: Vec<Value> = error
        .iter()
        .map(|error| notification("error", error))
        .chain(differences.map(|difference| notification("warning", difference)))
        .collect();
    json!({
        "tool": { "driver": { "name": "echospec", "version": run.started.echospec, "rules": rules } },
        "automationDetails": { "id": format!("echospec/{}", run.title()) },
        "invocations": [{
            "commandLine": run.started.server.command,
            "executionSuccessful": error.is_none() && run.finished.is_some(),
            "toolExecutionNotifications": notifications,
        }],
        "results": results,
    })
}

fn rule(check: &CheckFinished) -> Value {
    json!({
        "id": check.check,
        "shortDescription": { "text": check.sentence },
        "fullDescription": { "text": check.why },
        "help": { "text": format!("{}\n\nHow to repeat it by hand: {}\n\nSee {}.", check.why, check.recipe, check.citations.join(", ")) },
        "defaultConfiguration": { "level": level(check.level) },
        "properties": { "tags": [check.area()] },
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Must => "error",
        Level::Should => "warning",
        Level::May => "note",
    }
}

fn result(run: &RunRecord, index: usize, check: &CheckFinished) -> Value {
    let mut result = json!({
        "ruleId": check.check,
        "ruleIndex": index,
        "level": result_level(check),
        "message": { "text": check.explanation() },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": artifact(&run.started.server.command) },
            "region": { "startLine": 1 },
        } }],
        "partialFingerprints": { "serverAndCheck/v1": format!("{} {}", run.title(), check.check) },
    });
    if check.outcome == Outcome::Xfail {
        result["suppressions"] = json!([{ "kind": "external", "justification": check.reason }]);
    }
    result
}

fn result_level(check: &CheckFinished) -> &'static str {
    match check.outcome {
        outcome if outcome.is_failure() => "error",
        Outcome::Warn | Outcome::Flaky | Outcome::Broken => "warning",
        _ => "note",
    }
}

/// Returns the file that a result in the SARIF report points to. Code scanning wants a file of the repository: the
/// server's program if its path is relative, and else the configuration file.
fn artifact(command: &str) -> String {
    let words = shlex::split(command).unwrap_or_default();
    let is_file = |word: &&String| Path::new(word).is_relative() && Path::new(word).is_file();
    let file = words.iter().find(is_file).map_or("echospec.toml", |word| word.trim_start_matches("./"));
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    file.bytes()
        .map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

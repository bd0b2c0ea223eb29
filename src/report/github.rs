//! Workflow commands of GitHub Actions: an annotation for each finding.
//!
//! See "Workflow commands for GitHub Actions" in GitHub's documentation. GitHub shows at most ten annotations of each
//! kind for a step, so failures come first, and the last line has the totals.

use std::io::{self, Write};

use super::Format;
use super::record::{CheckFinished, RunRecord};
use crate::outcome::Outcome;
use crate::text::count_with_noun;

pub const FORMAT: Format =
    Format { name: "github", summary: "annotations of a GitHub Actions workflow", render };

fn render(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    for run in runs {
        if let Some(error) = run.launch_error() {
            annotate(out, "error", &format!("echospec: {}", run.title()), error)?;
        }
    }
    let differences = |run: &RunRecord| run.started.server.differences().len();
    for run in runs {
        for difference in run.started.server.differences() {
            annotate(out, "warning", &format!("echospec: {}", run.title()), difference)?;
        }
    }
    for kind in ["error", "warning", "notice"] {
        for run in runs {
            for check in run.findings().filter(|check| kind_of(check) == Some(kind)) {
                let title = format!("{} {}: {}", check.outcome, check.check, run.title());
                annotate(out, kind, &title, &check.explanation())?;
            }
        }
    }
    let number = |wanted: &str| {
        runs.iter().flat_map(RunRecord::findings).filter(|check| kind_of(check) == Some(wanted)).count()
    };
    let warnings = number("warning") + runs.iter().map(differences).sum::<usize>();
    let (errors, warnings) =
        (count_with_noun(number("error"), "error"), count_with_noun(warnings, "warning"));
    writeln!(out, "echospec: {}, {errors}, {warnings}", count_with_noun(runs.len(), "server"))
}

fn kind_of(check: &CheckFinished) -> Option<&'static str> {
    match check.outcome {
        outcome if outcome.is_failure() => Some("error"),
        Outcome::Warn | Outcome::Flaky | Outcome::Broken => Some("warning"),
        Outcome::Info => Some("notice"),
        _ => None,
    }
}

fn annotate(out: &mut dyn Write, kind: &str, title: &str, message: &str) -> io::Result<()> {
    writeln!(out, "::{kind} title={}::{}", property(title), data(message))
}

/// Escapes the message of a GitHub workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a GitHub workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_would_begin_another_command() {
        assert_eq!(data("50%\n::error::x"), "50%25%0A::error::x");
        assert_eq!(property("a: b,\r%0A"), "a%3A b%2C%0D%250A");
    }
}

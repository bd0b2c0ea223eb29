//! `echospec.toml`: the known failures of servers, so that only new failures fail a run.
//!
//! ```toml
//! [[expect]]
//! server = "*my-server*"          # a glob for the command line; without it, every server
//! check = "echo/slow-reader"
//! outcome = "timeout"
//! reason = "waits for itself under backpressure: issue 12"
//! message = "came back, then nothing"  # text of the report, if only that failure is expected
//! ```

use std::ops::Range;
use std::path::Path;
use std::{fmt, fs};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::checks::checks;
use crate::outcome::Outcome;
use crate::runner::Expectation;

/// An error in a file of expectations: the file, the line, and what is wrong.
#[derive(Debug)]
pub struct ExpectationsError(String);

impl fmt::Display for ExpectationsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ExpectationsError {}

/// Reads the file at `path` and returns the expectations for the server with this command line.
///
/// # Errors
/// [`ExpectationsError`] if the file cannot be read or parsed, or if an entry names an unknown check, gives no
/// reason, or expects an outcome that is no deviation.
pub fn read(path: &Path, command_line: &str) -> Result<Vec<Expectation>, ExpectationsError> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| ExpectationsError(format!("cannot read {shown}: {error}")))?;
    parse(&text, command_line).map_err(|error| ExpectationsError(format!("in {shown}: {error}")))
}

fn parse(text: &str, command_line: &str) -> Result<Vec<Expectation>, String> {
    let file = DeTable::parse(text).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for (key, value) in file.get_ref() {
        let entries = match value.get_ref() {
            DeValue::Array(entries) if key.get_ref() == "expect" => entries,
            _ => return Err(at(text, &key.span(), "only entries of the form [[expect]] belong here")),
        };
        for entry in entries {
            let problem = |problem: String| at(text, &entry.span(), &problem);
            let entry = Entry::read(text, entry)?;
            found.extend(entry.expectation_for(command_line).map_err(problem)?);
        }
    }
    Ok(found)
}

/// Puts the number of the line where `span` begins before `problem`.
fn at(text: &str, span: &Range<usize>, problem: &str) -> String {
    let line = text.bytes().take(span.start).filter(|&byte| byte == b'\n').count() + 1;
    format!("line {line}: {problem}")
}

/// One entry of `echospec.toml`, not yet validated.
#[derive(Default)]
struct Entry {
    server: Option<String>,
    check: String,
    outcome: String,
    reason: String,
    message: Option<String>,
}

impl Entry {
    fn read(text: &str, entry: &Spanned<DeValue<'_>>) -> Result<Entry, String> {
        let DeValue::Table(table) = entry.get_ref() else {
            return Err(at(text, &entry.span(), "an expectation is a table: [[expect]]"));
        };
        let mut read = Entry::default();
        for (key, value) in table {
            let name = key.get_ref();
            let DeValue::String(value) = value.get_ref() else {
                return Err(at(text, &value.span(), &format!("'{name}' must be a string")));
            };
            let value = value.clone().into_owned();
            match name.as_ref() {
                "server" => read.server = Some(value),
                "check" => read.check = value,
                "outcome" => read.outcome = value,
                "reason" => read.reason = value,
                "message" => read.message = Some(value),
                _ => {
                    let problem = format!(
                        "unknown key '{name}'; an entry has check, outcome, reason, and optionally server and message"
                    );
                    return Err(at(text, &key.span(), &problem));
                }
            }
        }
        Ok(read)
    }

    /// Validates the entry, and returns it if it is about this server.
    fn expectation_for(self, command_line: &str) -> Result<Option<Expectation>, String> {
        let Entry { server, check, outcome, reason, message } = self;
        if !checks().any(|known| known.id == check) {
            return Err(format!("no check is called '{check}'; `echospec list` names them all"));
        }
        if reason.trim().is_empty() {
            return Err(format!("{check} has no reason: say why it is expected"));
        }
        let deviations = [Outcome::Fail, Outcome::Warn, Outcome::Timeout, Outcome::Crash, Outcome::Leak];
        let Some(outcome) = deviations.into_iter().find(|it| it.word() == outcome) else {
            let allowed = "a deviation is fail, warn, timeout, crash or leak";
            return Err(format!("{check}: '{outcome}' cannot be expected; {allowed}"));
        };
        let glob = server.as_deref().unwrap_or("*");
        let pattern =
            glob::Pattern::new(glob).map_err(|error| format!("{check}: '{glob}' is no glob: {error}"))?;
        let expectation = Expectation { check, outcome, reason, message };
        Ok(pattern.matches(command_line).then_some(expectation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "[[expect]]\ncheck = 'echo/empty'\noutcome = 'fail'\nreason = 'known'\n";

    #[test]
    fn an_entry_applies_to_the_servers_that_its_glob_matches() {
        let mine = format!("{ENTRY}server = '*socat*PIPE*'\n");
        assert_eq!(parse(&mine, "socat TCP-LISTEN:1 PIPE").unwrap().len(), 1);
        assert!(parse(&mine, "ncat -l").unwrap().is_empty());
        assert_eq!(parse(ENTRY, "ncat -l").unwrap().len(), 1);
    }

    #[test]
    fn errors_name_the_mistake() {
        for (from, to, words) in [
            ("echo/empty", "echo/emtpy", "no check is called 'echo/emtpy'"),
            ("'fail'", "'pass'", "cannot be expected"),
            ("'fail'", "'fial'", "'fial' cannot be expected"),
            ("'fail'", "1", "line 3: 'outcome' must be a string"),
            ("'known'", "' '", "say why"),
            ("reason", "raeson", "line 4: unknown key 'raeson'"),
            ("[[expect]]", "[[expects]]", "line 1: only entries"),
        ] {
            let error = parse(&ENTRY.replacen(from, to, 1), "x").unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn an_unreadable_file_is_named() {
        let error = read(Path::new("/no/such/file"), "x").unwrap_err();
        assert!(error.to_string().contains("cannot read /no/such/file"), "{error}");
    }
}

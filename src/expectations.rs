//! `echospec.toml`: what is known of a server, so that only what is new fails a run.
//!
//! ```toml
//! [[expect]]
//! server = "*my-server*"          # a glob for the command line; every server if it is absent
//! check = "echo/slow-reader"
//! outcome = "timeout"
//! reason = "waits for itself under backpressure: issue 12"
//! message = "came back, then nothing"  # words of the report, if only that failure is meant
//! ```

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::checks::checks;
use crate::outcome::Outcome;
use crate::runner::Expectation;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    #[serde(default)]
    expect: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    server: Option<String>,
    check: String,
    outcome: Outcome,
    reason: String,
    message: Option<String>,
}

/// What the file at `path` says of the server with this command line.
///
/// # Errors
/// Where it cannot be read, is no such file, names a check that there is not, or gives no reason.
pub fn read(path: &Path, command_line: &str) -> Result<Vec<Expectation>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let said = || format!("in {}", path.display());
    let record: Record = toml::from_str(&text).with_context(said)?;
    let entries = record.expect.into_iter().map(|entry| entry.of(command_line));
    let mine: Result<Vec<_>> = entries.collect::<Result<Vec<_>>>().with_context(said);
    Ok(mine?.into_iter().flatten().collect())
}

impl Entry {
    /// The expectation, if it is about this server.
    fn of(self, command_line: &str) -> Result<Option<Expectation>> {
        let Entry { server, check, outcome, reason, message } = self;
        let known = checks().any(|it| it.id == check);
        ensure!(known, "no check is called '{check}'; `echospec list` names them all");
        ensure!(!reason.trim().is_empty(), "{check} has no reason: say why it is expected");
        let expectable = outcome.is_failure() && outcome != Outcome::Xpass || outcome == Outcome::Warn;
        ensure!(
            expectable,
            "{check}: '{outcome}' cannot be expected; a deviation is fail, warn, timeout, crash or leak"
        );
        let pattern = glob::Pattern::new(server.as_deref().unwrap_or("*"))
            .with_context(|| format!("{check}: '{}' is no glob", server.as_deref().unwrap_or_default()))?;
        let expectation = Expectation { check, outcome, reason, message };
        Ok(pattern.matches(command_line).then_some(expectation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said_of(text: &str, command_line: &str) -> Result<Vec<Expectation>> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), text)?;
        read(file.path(), command_line)
    }

    const ENTRY: &str = "[[expect]]\ncheck = 'echo/empty'\noutcome = 'fail'\nreason = 'known'\n";

    #[test]
    fn an_entry_is_about_the_servers_that_its_glob_matches() {
        let mine = format!("{ENTRY}server = '*socat*PIPE*'\n");
        assert_eq!(said_of(&mine, "socat TCP-LISTEN:1 PIPE").unwrap().len(), 1);
        assert!(said_of(&mine, "ncat -l").unwrap().is_empty());
        assert_eq!(said_of(ENTRY, "ncat -l").unwrap().len(), 1);
    }

    #[test]
    fn mistakes_are_named() {
        for (from, to, words) in [
            ("echo/empty", "echo/emtpy", "no check is called 'echo/emtpy'"),
            ("'fail'", "'pass'", "cannot be expected"),
            ("'fail'", "'fial'", "unknown variant"),
            ("'known'", "' '", "say why"),
            ("reason", "raeson", "raeson"),
        ] {
            let error = said_of(&ENTRY.replacen(from, to, 1), "x").unwrap_err();
            assert!(format!("{error:#}").contains(words), "{error:#}");
        }
    }
}

//! The known failures of servers, so that only new failures fail a run.
//!
//! ```toml
//! [[expect]]
//! server = "*my-server*"          # a glob for the name or the command line; without it, every server
//! check = "echo/slow-reader"
//! outcome = "timeout"
//! reason = "waits for itself under backpressure: issue 12"
//! message = "came back, then nothing"  # text of the report, if only that failure is expected
//! ```

use glob::Pattern;

use crate::checks::all_checks;
use crate::outcome::Outcome;
use crate::protocol::{FileError, Table, join_with_or};
use crate::runner::Expectation;
use crate::server::Spec;
use crate::text::most_similar;

/// A known failure of a check, and the servers to which it applies.
#[derive(Debug)]
pub(super) struct KnownFailure {
    servers: Servers,
    pub expectation: Expectation,
}

#[derive(Debug)]
enum Servers {
    All,
    /// A known failure of servers whose name or command line matches.
    Matching(Pattern),
    /// A known failure of the server with this name in the configuration file.
    Named(String),
}

impl KnownFailure {
    pub fn applies_to(&self, spec: &Spec) -> bool {
        match &self.servers {
            Servers::All => true,
            Servers::Named(name) => spec.name() == Some(name),
            Servers::Matching(pattern) => {
                pattern.matches(&spec.command_line()) || spec.name().is_some_and(|name| pattern.matches(name))
            }
        }
    }
}

/// The outcomes of a check that an entry of the configuration file can expect.
const DEVIATIONS: [Outcome; 5] =
    [Outcome::Fail, Outcome::Warn, Outcome::Timeout, Outcome::Crash, Outcome::Leak];

/// Reads the known failures, `[[expect]]`, of `table`, which is the configuration file, or the server called `name`
/// in it.
pub(super) fn read(table: &Table<'_, '_>, name: Option<&str>) -> Result<Vec<KnownFailure>, FileError> {
    table.parse_tables("expect")?.iter().map(|entry| read_entry(entry, name)).collect()
}

fn read_entry(entry: &Table<'_, '_>, name: Option<&str>) -> Result<KnownFailure, FileError> {
    let keys = ["check", "outcome", "reason", "message", "server"];
    let allowed = if name.is_some() { &keys[..4] } else { &keys[..] };
    entry.has_only("an expectation", allowed)?;
    let servers = match (name, entry.string("server")?) {
        (Some(name), _) => Servers::Named(name.into()),
        (None, None) => Servers::All,
        (None, Some((glob, span))) => Servers::Matching(Pattern::new(glob).map_err(|error| {
            entry.source.error(span, format!("`{glob}` is no glob")).expecting(error.msg)
        })?),
    };
    let expectation = Expectation {
        check: check_id(entry)?,
        outcome: outcome(entry)?,
        reason: reason(entry)?,
        message: entry.string("message")?.map(|(text, _)| text.to_owned()),
    };
    Ok(KnownFailure { servers, expectation })
}

fn check_id(entry: &Table<'_, '_>) -> Result<String, FileError> {
    let (id, span) = entry.required_string("check", "an expectation", "the id of a check")?;
    if all_checks().any(|known| known.id == id) || id.starts_with("scene/") {
        return Ok(id.into());
    }
    let error = entry.source.error(span, format!("no check is called `{id}`"));
    let error = error.expecting("expected an id of `echospec list`");
    let ids = || all_checks().map(|check| check.id);
    let same_slug = ids().find(|known| known.ends_with(&format!("/{id}")));
    Err(match same_slug.or_else(|| most_similar(id, ids())) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error,
    })
}

fn outcome(entry: &Table<'_, '_>) -> Result<Outcome, FileError> {
    let allowed = || join_with_or(DEVIATIONS.map(Outcome::word));
    let (word, span) = entry.required_string("outcome", "an expectation", &allowed())?;
    DEVIATIONS.into_iter().find(|outcome| outcome.word() == word).ok_or_else(|| {
        let error = entry.source.error(span, format!("`{word}` cannot be expected"));
        error.expecting(format!("expected {}", allowed())).suggest(word, DEVIATIONS.map(Outcome::word))
    })
}

fn reason(entry: &Table<'_, '_>) -> Result<String, FileError> {
    let (reason, span) = entry.required_string("reason", "an expectation", "why the check fails")?;
    if reason.trim().is_empty() {
        let error = entry.source.error(span, "an empty reason");
        return Err(error.expecting("expected why the check fails"));
    }
    Ok(reason.into())
}

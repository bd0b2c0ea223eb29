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

use crate::checks::all_checks;
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

/// The file that is read if it is in the current directory and no other file is named.
#[cfg(feature = "cli")]
const USUAL: &str = "echospec.toml";

/// Returns `echospec.toml` if it is in the current directory.
///
/// # Errors
/// [`ExpectationsError`] if it is no regular file, or if another user may have put it there: in a directory to which
/// everybody can write, such as `/tmp`, only a file of this user or of root counts.
#[cfg(feature = "cli")]
pub fn find() -> Result<Option<&'static Path>, ExpectationsError> {
    Ok(is_usable(Path::new("."), Path::new(USUAL))?.then_some(Path::new(USUAL)))
}

/// Whether there is a file called `name` in `directory` that is known to be meant for this user.
#[cfg(feature = "cli")]
fn is_usable(directory: &Path, name: &Path) -> Result<bool, ExpectationsError> {
    use std::os::unix::fs::MetadataExt;
    const WRITABLE_BY_ALL: u32 = 0o002;
    let path = directory.join(name);
    let Ok(entry) = path.symlink_metadata() else { return Ok(false) };
    let refuse = |reason: &str| {
        let text = format!("{} {reason}; remove it, or name a file with --expectations", name.display());
        Err(ExpectationsError(text))
    };
    let place = fs::metadata(directory);
    let is_shared = !place.is_ok_and(|place| place.mode() & WRITABLE_BY_ALL == 0);
    if is_shared && ![0, nix::unistd::geteuid().as_raw()].contains(&entry.uid()) {
        return refuse("belongs to another user, and everybody can write to the current directory");
    }
    // A FIFO or a device would block the read, or never end.
    if !path.metadata().is_ok_and(|file| file.is_file()) {
        return refuse("is no regular file");
    }
    Ok(true)
}

/// Reads the file at `path` and returns the expectations for the server with this command line.
///
/// # Errors
/// [`ExpectationsError`] if the file cannot be read or parsed, or if an entry names an unknown check, gives no
/// reason, or expects an outcome that is no deviation.
pub fn read_expectations(path: &Path, command_line: &str) -> Result<Vec<Expectation>, ExpectationsError> {
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
        if !all_checks().any(|known| known.id == check) {
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

    #[cfg(feature = "cli")]
    #[test]
    fn a_file_that_was_not_named_must_be_regular() {
        use nix::sys::stat::Mode;
        let place = tempfile::TempDir::new().unwrap();
        let usable = |name: &str| is_usable(place.path(), Path::new(name));
        nix::unistd::mkfifo(&place.path().join("fifo"), Mode::S_IRWXU).unwrap();
        fs::write(place.path().join("file"), ENTRY).unwrap();
        assert!(!usable("absent").unwrap());
        assert!(usable("file").unwrap());
        assert!(usable("fifo").unwrap_err().to_string().contains("is no regular file"));
    }

    #[cfg(feature = "cli")]
    #[test]
    fn a_file_of_another_user_counts_only_where_few_can_write() {
        use std::os::unix::fs::{PermissionsExt, chown};
        if !nix::unistd::geteuid().is_root() {
            return testing::skip("only root can give a file to another user");
        }
        let place = tempfile::TempDir::new().unwrap();
        let usable = || is_usable(place.path(), Path::new("file"));
        fs::write(place.path().join("file"), ENTRY).unwrap();
        chown(place.path().join("file"), Some(65534), None).unwrap();
        assert!(usable().unwrap());
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        assert!(usable().unwrap_err().to_string().contains("belongs to another user"));
    }

    #[test]
    fn an_unreadable_file_is_named() {
        let error = read_expectations(Path::new("/no/such/file"), "x").unwrap_err();
        assert!(error.to_string().contains("cannot read /no/such/file"), "{error}");
    }
}

//! Saved comparisons, for `--save`, `--baseline` and `--from`.
//!
//! Results belong to a machine, not to a checkout. Those saved by a name are kept in the user's state directory (XDG Base
//! Directory Specification), so that they survive `git clean`, serve every worktree, and are not committed by mistake. A
//! path saves elsewhere.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::comparison::{Comparison, SCHEMA};
use crate::text::printable;

/// The file of a comparison that was saved, or is to be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedComparison {
    path: PathBuf,
}

/// The reason why a comparison could not be saved or loaded.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// A text is neither a name nor a path of a saved comparison.
    #[error(
        "'{0}' is not a name for a saved comparison: use letters, digits, '.', '-' and '_', or a path with a '/' or the extension .json"
    )]
    Name(String),
    /// No directory can be found for comparisons saved by a name.
    #[error(
        "cannot find the directory of saved comparisons: neither HOME nor XDG_STATE_HOME is set; give a path, such as ./{0}.json"
    )]
    NoStateDirectory(String),
    /// No comparison is saved under the given name.
    #[error("no comparison is saved as {}; {known}", .path.display())]
    Unknown {
        /// The path at which the missing comparison would be saved.
        path: PathBuf,
        /// A sentence that lists the comparisons that are saved.
        known: String,
    },
    /// A file that should hold a saved comparison holds none.
    #[error("{} is not a saved comparison ({reason}); it is left as it is", .path.display())]
    NotAComparison {
        /// The path of a file that should hold a saved comparison and holds none.
        path: PathBuf,
        /// The error in a file that should hold a saved comparison.
        reason: String,
    },
    /// A saved comparison has a schema that this version of echospec does not read.
    #[error("{} was saved by echospec {version} with schema {schema}, which differs from today's schema {SCHEMA}: measure again", .path.display())]
    Schema {
        /// The path of the saved comparison with another schema.
        path: PathBuf,
        /// The schema of the saved comparison.
        schema: u32,
        /// The version of echospec that wrote the saved comparison.
        version: String,
    },
    /// A saved comparison cannot be a baseline, because its run was interrupted.
    #[error("the run was interrupted and not saved; {} is left as it is", .0.display())]
    Interrupted(PathBuf),
    /// An operation on the file of a saved comparison failed.
    #[error("cannot {operation} {}: {cause}", .path.display())]
    Io {
        /// The operation that failed, such as `write`.
        operation: &'static str,
        /// The path of the saved comparison on which an operation failed.
        path: PathBuf,
        /// The error that the system returned for an operation on a saved comparison.
        cause: io::Error,
    },
}

impl SavedComparison {
    /// Returns the saved comparison called `name`. A `/` or the extension `.json` makes the name a path.
    ///
    /// # Errors
    /// [`SavedError::Name`], or [`SavedError::NoStateDirectory`] for a name if there is no state directory.
    pub fn named(name: &str) -> Result<SavedComparison, SavedError> {
        if name.contains('/') || has_json_extension(Path::new(name)) {
            return Ok(SavedComparison { path: name.into() });
        }
        let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
        if name.is_empty() || name.starts_with('.') || name.len() > 100 || !name.chars().all(is_allowed) {
            return Err(SavedError::Name(name.into()));
        }
        let directory = state_directory().ok_or_else(|| SavedError::NoStateDirectory(name.into()))?;
        Ok(SavedComparison { path: directory.join(format!("{name}.json")) })
    }

    /// Returns the path of the saved comparison's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a saved comparison. Never changes the file.
    ///
    /// # Errors
    /// If there is no file, or this version cannot read it.
    pub fn load(&self) -> Result<Comparison, SavedError> {
        let text = fs::read(&self.path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => SavedError::Unknown { path: self.path.clone(), known: self.known() },
            _ => self.io_error("read", cause),
        })?;
        let Header { schema, version } =
            serde_json::from_slice(&text).map_err(|error| self.not_a_comparison(&error))?;
        if schema != SCHEMA {
            let version = printable(&version);
            return Err(SavedError::Schema { path: self.path.clone(), schema, version });
        }
        serde_json::from_slice(&text).map_err(|error| self.not_a_comparison(&error))
    }

    /// Checks *before* a run that its results can be saved. Creates the directory, and makes sure that no other file
    /// than a saved comparison, of whatever schema, would be overwritten.
    ///
    /// # Errors
    /// If they cannot be saved.
    pub fn check_writable(&self) -> Result<(), SavedError> {
        fs::create_dir_all(self.directory())
            .map_err(|cause| self.io_error("create the directory of", cause))?;
        // Only creating a file shows whether one can be created.
        self.temporary_file().map_err(|cause| self.io_error("write", cause))?;
        match self.load() {
            Ok(_) | Err(SavedError::Unknown { .. } | SavedError::Schema { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Saves `comparison` in its file, and replaces an earlier one. The file is replaced as a whole, also if the
    /// power fails.
    ///
    /// # Errors
    /// If the file is not a comparison, if the run was interrupted, or if writing fails.
    pub fn save(&self, comparison: &Comparison) -> Result<(), SavedError> {
        if comparison.interrupted {
            return Err(SavedError::Interrupted(self.path.clone()));
        }
        self.check_writable()?;
        let written = self.temporary_file().and_then(|mut file| {
            serde_json::to_writer_pretty(io::BufWriter::new(&mut file), comparison)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|error| error.error)
        });
        written.map(|_| ()).map_err(|cause| self.io_error("write", cause))
    }

    /// Creates a temporary file in the directory of the saved comparison. It is removed unless it is renamed.
    fn temporary_file(&self) -> io::Result<tempfile::NamedTempFile> {
        tempfile::Builder::new().prefix(".echospec-").suffix(".json").tempfile_in(self.directory())
    }

    fn directory(&self) -> &Path {
        self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Lists the comparisons saved in the same directory as this one, as a sentence.
    fn known(&self) -> String {
        let files = fs::read_dir(self.directory()).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut names: Vec<String> = files
            .filter(|path| has_json_extension(path))
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        if names.is_empty() {
            return "there is none yet: make one with --save".into();
        }
        format!("there are: {}", printable(&names.join(", ")))
    }

    fn not_a_comparison(&self, error: &serde_json::Error) -> SavedError {
        SavedError::NotAComparison { path: self.path.clone(), reason: error.to_string() }
    }

    fn io_error(&self, operation: &'static str, cause: io::Error) -> SavedError {
        SavedError::Io { operation, path: self.path.clone(), cause }
    }
}

/// The fields that the JSON file of a saved comparison has in every version of its schema.
#[derive(Deserialize)]
struct Header {
    schema: u32,
    #[serde(default)]
    version: String,
}

fn has_json_extension(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

/// Returns the directory of comparisons saved by a name. The specification of XDG directories says to ignore paths
/// that are not absolute.
fn state_directory() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("echospec/comparisons"))
}

//! Comparisons that are kept, to be compared with later ones.
//!
//! Figures belong to a machine, not to a checkout: those saved by a name lie in the user's state directory (the XDG base
//! directory specification's place for what is "not important or portable enough" to be data), so that they outlive
//! `git clean`, serve every worktree, and are never committed by mistake. Who wants one in a repository gives a path.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::bench::comparison::{Comparison, SCHEMA};

/// A place for one comparison: what `--save` and `--baseline` name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    path: PathBuf,
}

/// Why a comparison could not be kept, or had again.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// It is neither a name nor a path.
    #[error(
        "'{0}' is no name for a saved comparison: letters, digits, '.', '-' and '_' make one, and a path has a '/' or ends in .json"
    )]
    Name(String),
    /// There is no place for what has a name.
    #[error(
        "neither HOME nor XDG_STATE_HOME says where saved comparisons are kept; give a path, such as ./{0}.json"
    )]
    Homeless(String),
    /// Nothing is saved there.
    #[error("no comparison is saved as {}; {known}", .path.display())]
    Unknown {
        /// Where it would be.
        path: PathBuf,
        /// What there is instead, as a sentence.
        known: String,
    },
    /// Something is there, but not a comparison.
    #[error("{} is not a saved comparison ({why}); it was left as it is", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It is a comparison of another version.
    #[error("{} was saved by echospec {version}, whose figures (schema {schema}) mean something else than today's (schema {SCHEMA}): measure it anew", .path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// The schema that it has.
        schema: u32,
        /// The version that wrote it.
        version: String,
    },
    /// A run that was interrupted is no baseline.
    #[error("the run was interrupted: it was not saved, and what {} held before is still there", .0.display())]
    Interrupted(PathBuf),
    /// The system refused.
    #[error("cannot {verb} {}: {cause}", .path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

impl Saved {
    /// The place called `name`, which may also be a path: with a `/` in it, or ending in `.json`.
    ///
    /// # Errors
    /// [`SavedError::Name`], and [`SavedError::Homeless`] for a name where no directory is the user's.
    pub fn named(name: &str) -> Result<Saved, SavedError> {
        if name.contains('/') || Path::new(name).extension().is_some_and(|extension| extension == "json") {
            return Ok(Saved { path: name.into() });
        }
        let letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
        if name.is_empty() || name.starts_with('.') || name.len() > 100 || !name.chars().all(letter) {
            return Err(SavedError::Name(name.into()));
        }
        let folder = folder().ok_or_else(|| SavedError::Homeless(name.into()))?;
        Ok(Saved { path: folder.join(format!("{name}.json")) })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is saved here. Ask for it *before* a run that is to be compared with it.
    ///
    /// # Errors
    /// If there is nothing, or nothing that this version understands; the file is never changed.
    pub fn load(&self) -> Result<Comparison, SavedError> {
        let text = fs::read(&self.path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => SavedError::Unknown { path: self.path.clone(), known: self.known() },
            _ => self.refused("read", cause),
        })?;
        let stamp: Stamp = serde_json::from_slice(&text).map_err(|error| self.foreign(&error))?;
        if stamp.schema != SCHEMA {
            let Stamp { schema, version } = stamp;
            return Err(SavedError::Schema {
                path: self.path.clone(),
                schema,
                version: crate::text::printable(&version),
            });
        }
        serde_json::from_slice(&text).map_err(|error| self.foreign(&error))
    }

    /// Makes sure, *before* a run, that it can be saved here when it is over: that the directory is there, and that
    /// nothing would be overwritten but another saved comparison, of whatever version.
    ///
    /// # Errors
    /// If it cannot.
    pub fn prepare(&self) -> Result<(), SavedError> {
        let folder = self.folder();
        fs::create_dir_all(folder).map_err(|cause| self.refused("make the directory of", cause))?;
        // Whether files can be made here only making one tells.
        self.beside().map_err(|cause| self.refused("write", cause))?;
        match self.load() {
            Ok(_) | Err(SavedError::Unknown { .. } | SavedError::Schema { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Saves `comparison`, in the place of what was saved here before: all of it or nothing, whenever the power fails.
    ///
    /// # Errors
    /// If something else than a comparison is here, if the run was interrupted, or if the system refuses.
    pub fn save(&self, comparison: &Comparison) -> Result<(), SavedError> {
        if comparison.interrupted {
            return Err(SavedError::Interrupted(self.path.clone()));
        }
        self.prepare()?;
        let written = self.beside().and_then(|mut file| {
            serde_json::to_writer_pretty(io::BufWriter::new(&mut file), comparison)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|error| error.error)
        });
        written.map(|_| ()).map_err(|cause| self.refused("write", cause))
    }

    /// A new file in the same directory, which goes if it does not get the name.
    fn beside(&self) -> io::Result<tempfile::NamedTempFile> {
        tempfile::Builder::new().prefix(".echospec-").suffix(".json").tempfile_in(self.folder())
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// What is saved beside it, as a sentence.
    fn known(&self) -> String {
        let files = fs::read_dir(self.folder()).into_iter().flatten().flatten().map(|entry| entry.path());
        let saved = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        let mut names: Vec<String> = saved
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        if names.is_empty() {
            return "none is there yet: make one with --save".into();
        }
        format!("there are: {}", crate::text::printable(&names.join(", ")))
    }

    fn foreign(&self, error: &serde_json::Error) -> SavedError {
        SavedError::Foreign { path: self.path.clone(), why: error.to_string() }
    }

    fn refused(&self, verb: &'static str, cause: io::Error) -> SavedError {
        SavedError::Io { verb, path: self.path.clone(), cause }
    }
}

/// What every version writes.
#[derive(Deserialize)]
struct Stamp {
    schema: u32,
    #[serde(default)]
    version: String,
}

/// Where what has a name is kept. The specification wants paths that are not absolute to be ignored.
fn folder() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("echospec/comparisons"))
}

//! `echospec.toml`: the servers of a project, and the known failures of servers.
//!
//! | file | content |
//! |---|---|
//! | `expectations` | known failures, so that only new failures fail a run |
//! | `init` | finds out about a server, and writes the file |
//! | `servers` | servers, each with its command and how it is started, reached and spoken to |

use std::path::Path;
use std::{fmt, fs};

use toml::de::DeTable;

use crate::protocol::{FileError, SourceText, Table, syntax_error};
use crate::runner::Expectation;
use crate::server::Spec;
use expectations::KnownFailure;

mod expectations;
#[cfg(feature = "cli")]
pub mod init;
#[cfg(feature = "cli")]
mod servers;
#[cfg(all(test, feature = "cli"))]
mod tests;

#[cfg(feature = "cli")]
pub use servers::ConfiguredServer;

/// An error in `echospec.toml`: the place, what is wrong, and what to do.
#[derive(Debug)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl From<FileError> for ConfigError {
    fn from(error: FileError) -> ConfigError {
        ConfigError(error.to_string())
    }
}

/// The content of `echospec.toml`.
#[derive(Debug)]
pub struct Config {
    known_failures: Vec<KnownFailure>,
    #[cfg(feature = "cli")]
    servers: Vec<ConfiguredServer>,
    #[cfg(feature = "cli")]
    scene_parameters: Vec<(String, String)>,
}

impl Config {
    /// Reads the configuration file at `path`.
    ///
    /// # Errors
    /// [`ConfigError`] if the file cannot be read, and for the first mistake in it.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let shown = path.display().to_string();
        let text =
            fs::read_to_string(path).map_err(|error| ConfigError(format!("cannot read {shown}: {error}")))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Config::parse(&text, &shown, folder)?)
    }

    /// Parses `text`, the content of a configuration file. Errors call it `file`; files that it names are below
    /// `folder`.
    fn parse(text: &str, file: &str, folder: &Path) -> Result<Config, FileError> {
        let source = SourceText { file, text };
        let document = DeTable::parse(text).map_err(|error| syntax_error(source, &error))?;
        let root = Table { source, table: document.get_ref(), span: document.span() };
        root.has_only("this file", &["server", "expect", "scene"])?;
        #[cfg(not(feature = "cli"))]
        let _ = folder;
        Ok(Config {
            known_failures: expectations::read(&root, None)?,
            #[cfg(feature = "cli")]
            servers: servers::read(&root, folder)?,
            #[cfg(feature = "cli")]
            scene_parameters: scene_parameters(&root)?,
        })
    }

    /// Returns the known failures of the server that `spec` describes.
    #[must_use]
    pub fn expectations_for(&self, spec: &Spec) -> Vec<Expectation> {
        let known = self.known_failures.iter();
        #[cfg(feature = "cli")]
        let known = known.chain(self.servers.iter().flat_map(|server| &server.known_failures));
        known.filter(|known| known.applies_to(spec)).map(|known| known.expectation.clone()).collect()
    }

    /// Returns the parameters of scenes that `[scene.parameters]` sets: names and values.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn scene_parameters(&self) -> &[(String, String)] {
        &self.scene_parameters
    }

    /// Returns the servers of the configuration file, in its order.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn servers(&self) -> &[ConfiguredServer] {
        &self.servers
    }
}

/// Reads `[scene.parameters]`: texts, numbers and `true` or `false`.
#[cfg(feature = "cli")]
fn scene_parameters(root: &Table<'_, '_>) -> Result<Vec<(String, String)>, FileError> {
    use toml::de::DeValue;
    let Some(scene) = root.table("scene")? else { return Ok(Vec::new()) };
    scene.has_only("`[scene]`", &["parameters"])?;
    let Some(parameters) = scene.table("parameters")? else { return Ok(Vec::new()) };
    let entries = parameters.entries().into_iter();
    let read = entries.map(|(name, value)| {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.as_str().to_owned(),
            _ => return Err(parameters.wrong_type(name.get_ref(), value, "a text or a number")),
        };
        Ok((name.get_ref().to_string(), text))
    });
    read.collect()
}

/// The name of the configuration file that is read if it is in the current directory and no other file is named.
#[cfg(feature = "cli")]
const USUAL: &str = "echospec.toml";

/// Returns the path `echospec.toml` if such a file is in the current directory.
///
/// # Errors
/// [`ConfigError`] if it is no regular file, or if another user may have put it there: in a directory to which
/// everybody can write, such as `/tmp`, only a file of this user or of root counts.
#[cfg(feature = "cli")]
pub fn find() -> Result<Option<&'static Path>, ConfigError> {
    Ok(is_usable(Path::new("."), Path::new(USUAL))?.then_some(Path::new(USUAL)))
}

/// Whether there is a configuration file called `name` in `directory` that is known to be meant for this user.
#[cfg(feature = "cli")]
fn is_usable(directory: &Path, name: &Path) -> Result<bool, ConfigError> {
    use std::os::unix::fs::MetadataExt;
    const WRITABLE_BY_ALL: u32 = 0o002;
    let path = directory.join(name);
    let Ok(entry) = path.symlink_metadata() else { return Ok(false) };
    let refuse = |reason: &str| {
        let text = format!("{} {reason}; remove it, or name a file with --config", name.display());
        Err(ConfigError(text))
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

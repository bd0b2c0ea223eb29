//! The parts of a server's set-up that its command does not state: environment, configuration files, a fixed
//! address, a sign that it is ready, and the signal that ends it.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use nix::sys::signal::Signal;

use super::placeholders::PlaceholderValues;
use crate::transport::Address;
#[cfg(feature = "cli")]
use crate::transport::{Capabilities, Transport};

/// Settings for starting and ending a server, beyond its command. The default adds nothing.
///
/// Values of the environment and contents of files may contain `{addr}`, `{host}`, `{port}`, `{path}` and `{dir}`:
/// a directory of the server's own, which is removed with it.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The environment variables to set for the server.
    pub environment: Vec<(OsString, OsString)>,
    /// Files to write into `{dir}` before each launch: a relative path, and the content.
    pub files: Vec<(PathBuf, OsString)>,
    /// The only address that the server can use; `None` for a server whose command gives its address.
    pub fixed_address: Option<Address>,
    /// A test of the server's output. The server counts as ready once it listens and its output passes the test.
    pub ready_when: Option<ReadyTest>,
    /// The signal that ends the server gracefully.
    pub stop: Signal,
    /// The signal at which the server reloads its configuration, or `None` if there is no such signal.
    pub reload: Option<Signal>,
}

/// A test of a server's output that tells whether the server is ready.
#[derive(Clone)]
pub struct ReadyTest(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl ReadyTest {
    /// Returns the test that calls `is_ready` with the server's output so far, until it returns true.
    pub fn new(is_ready: impl Fn(&str) -> bool + Send + Sync + 'static) -> ReadyTest {
        ReadyTest(Arc::new(is_ready))
    }

    /// Returns whether the server's output passes the test of readiness.
    pub(super) fn passes(&self, output: &str) -> bool {
        (self.0)(output)
    }
}

impl fmt::Debug for ReadyTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadyTest")
    }
}

impl Default for Setup {
    fn default() -> Self {
        let (environment, files) = (Vec::new(), Vec::new());
        Setup {
            environment,
            files,
            fixed_address: None,
            ready_when: None,
            stop: Signal::SIGTERM,
            reload: None,
        }
    }
}

impl Setup {
    /// Returns all texts of the server's set-up in which a placeholder may stand.
    pub(super) fn templates(&self) -> impl Iterator<Item = &OsStr> {
        let environment = self.environment.iter().map(|(_, value)| value.as_os_str());
        environment.chain(self.files.iter().map(|(_, content)| content.as_os_str()))
    }

    /// Writes the files of the server's set-up into `directory`.
    ///
    /// # Errors
    /// `InvalidInput` if a path leads out of `directory`; otherwise the errors of writing.
    pub(super) fn write_files(&self, directory: &Path, values: &PlaceholderValues) -> io::Result<()> {
        use std::os::unix::ffi::OsStrExt;
        for (name, content) in &self.files {
            if name.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
                let text =
                    format!("{} leads out of the server's directory: give a relative path", name.display());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
            let path = directory.join(name);
            fs::create_dir_all(path.parent().unwrap_or(directory))?;
            fs::write(path, values.fill(content).as_bytes())?;
        }
        Ok(())
    }
}

/// Parses the fixed address of a server that can use only one. It must be an address of this machine, because a run
/// sends thousands of clients there.
///
/// # Errors
/// What is wrong, in words that follow the name of an option.
#[cfg(feature = "cli")]
pub(crate) fn fixed_address(text: &str, transport: &Transport) -> Result<Address, String> {
    if transport.capabilities.contains(Capabilities::SOCKET_PATH) {
        return Ok(Address::Path(Path::new(text).to_owned()));
    }
    let address: std::net::SocketAddr =
        text.parse().map_err(|_| format!("needs HOST:PORT, such as 127.0.0.1:8080, not '{text}'"))?;
    if !address.ip().is_loopback() {
        return Err(format!("must be a loopback address, such as 127.0.0.1, not {}", address.ip()));
    }
    Ok(Address::Inet(address))
}

/// Returns the signal called `name`, with or without `SIG`.
#[cfg(feature = "cli")]
pub(crate) fn signal_named(name: &str) -> Option<Signal> {
    let long = if name.starts_with("SIG") { name.to_owned() } else { format!("SIG{name}") };
    long.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_files_with_placeholders_filled() {
        let place = tempfile::tempdir().unwrap();
        let values = PlaceholderValues::new(&Address::Inet("127.0.0.1:7".parse().unwrap()), place.path());
        let files = vec![("conf.d/my.conf".into(), "listen {port};".into())];
        Setup { files, ..Setup::default() }.write_files(place.path(), &values).unwrap();
        assert_eq!(fs::read_to_string(place.path().join("conf.d/my.conf")).unwrap(), "listen 7;");
    }

    #[test]
    fn refuses_a_path_that_leads_out() {
        let place = tempfile::tempdir().unwrap();
        let values = PlaceholderValues::new(&Address::Stdio, place.path());
        for name in ["../x", "/etc/x", "a/../../x"] {
            let setup = Setup { files: vec![(name.into(), "".into())], ..Setup::default() };
            assert_eq!(
                setup.write_files(place.path(), &values).unwrap_err().kind(),
                io::ErrorKind::InvalidInput
            );
        }
    }
}

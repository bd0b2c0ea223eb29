//! Records the system calls of a server with strace(1).

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Spec;

/// Returns the path of the program strace, or the reason why strace cannot be used here.
///
/// # Errors
/// A text that says why strace cannot be used: it is not installed, or the system does not permit ptrace(2).
pub fn find_strace() -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join("strace")).find(|file| file.is_file());
    let strace = found.ok_or("strace is not installed")?;
    match try_out(&strace) {
        Ok(true) => Ok(strace),
        Ok(false) => Err("this system does not permit strace to trace a process (ptrace(2))".into()),
        Err(error) => Err(format!("strace cannot be run: {error}")),
    }
}

/// Traces a program that does nothing, to test whether strace works here.
fn try_out(strace: &Path) -> io::Result<bool> {
    let mut command = Command::new(strace);
    command.args(["-o", "/dev/null", "-e", "trace=none", "true"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command.status()?.success())
}

/// Returns the words that make strace execute the command that follows them, as the launched process itself, and write
/// its system calls to `file`. With `-D`, strace is the grandchild.
pub fn strace_prefix(file: &Path, more: &[&str]) -> Vec<OsString> {
    let fixed = ["strace", "-D"].iter().chain(more).chain(&["-o"]).map(OsString::from);
    fixed.chain([file.into()]).collect()
}

impl Spec {
    /// Returns this server specification, changed so that strace writes all system calls of all the server's processes
    /// to `file`.
    #[must_use]
    pub(crate) fn traced(&self, file: &Path) -> Spec {
        self.wrapped_in(strace_prefix(file, &["-f", "-tt"]))
    }
}

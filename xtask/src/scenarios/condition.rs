//! Conditions that a shell, a service manager or a CI may set, under which the tests run.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use echospec::sys::{ChildAttributes, set_child_attributes};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::checkout::Test;

/// As long as a path of a build directory easily is, and just short enough for a socket in a directory below it.
const LONG_PATH: usize = 90;

/// A condition under which the tests are run.
#[derive(Debug, Clone, Default)]
pub struct Condition {
    pub name: String,
    ignored_signals: &'static [Signal],
    closed_stdin: bool,
    umask: bool,
    long_tmpdir: bool,
    pub path_with_spaces: bool,
}

const SIGNALS: &[Signal] =
    &[Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP, Signal::SIGPIPE, Signal::SIGCHLD];

/// Returns the conditions: all that go together at once, or `each` alone.
pub fn conditions(each: bool) -> Vec<Condition> {
    let named = |name: &str| Condition { name: name.to_owned(), ..Condition::default() };
    let spaces = Condition { path_with_spaces: true, ..named("path with spaces") };
    if !each {
        let rest = Condition {
            ignored_signals: SIGNALS,
            closed_stdin: true,
            umask: true,
            long_tmpdir: true,
            ..named("signals ignored, stdin closed, umask 077, long TMPDIR")
        };
        return vec![rest, spaces];
    }
    let mut all: Vec<_> = SIGNALS
        .chunks(1)
        .map(|signal| Condition { ignored_signals: signal, ..named(&format!("{} ignored", signal[0])) })
        .collect();
    all.extend([
        Condition { closed_stdin: true, ..named("stdin closed") },
        Condition { umask: true, ..named("umask 077") },
        Condition { long_tmpdir: true, ..named("long TMPDIR") },
        spaces,
    ]);
    all
}

impl Condition {
    /// Runs a test program, and prints what it says if it fails.
    pub fn run(&self, test: &Test, place: &TempDir) -> Result<bool> {
        let mut words: Vec<OsString> = vec![test.program.clone().into(), "--quiet".into()];
        if self.umask {
            let shell = ["sh", "-c", "umask 077; exec \"$@\"", "sh"];
            words.splice(0..0, shell.map(OsString::from));
        }
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(&test.folder);
        if self.long_tmpdir {
            command.env("TMPDIR", long_folder(place.path())?);
        }
        let closed_descriptors = if self.closed_stdin { vec![0] } else { Vec::new() };
        let ignored_signals = self.ignored_signals;
        set_child_attributes(
            &mut command,
            ChildAttributes { ignored_signals, closed_descriptors, ..ChildAttributes::default() },
        );
        let output =
            command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {}", test.name))?;
        let passed = output.status.success();
        for text in [output.stdout, output.stderr].iter().filter(|_| !passed) {
            print!("{}", String::from_utf8_lossy(text));
        }
        Ok(passed)
    }
}

/// Makes a folder below `place` whose path has [`LONG_PATH`] bytes.
fn long_folder(place: &Path) -> Result<PathBuf> {
    let room =
        LONG_PATH.checked_sub(place.as_os_str().len() + 1).context("the temporary directory is too deep")?;
    let folder = place.join("x".repeat(room));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_folder_has_the_length() {
        let place = TempDir::new().unwrap();
        assert_eq!(long_folder(place.path()).unwrap().as_os_str().len(), LONG_PATH);
    }
}

//! `cargo xtask scenarios`: the tests under conditions that a user's shell, service manager or CI may set.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use echospec::sys::{ChildAttributes, set_child_attributes};
use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::{portable, root};

/// The tests that start processes, make files and send signals: all that a condition could change.
const TESTS: &[&str] = &["cli", "fds", "killed", "nothing_left_behind", "servers"];

/// As long as a path of a build directory easily is, and just short enough for a socket in a directory below it.
const LONG_PATH: usize = 90;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run the tests under each condition alone, instead of under all that go together at once
    #[arg(long)]
    each: bool,
    /// Run all tests of the workspace, instead of those that start processes
    #[arg(long)]
    all: bool,
    /// Run only the conditions whose name contains TEXT; `portable` runs the code for macOS on Linux
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

/// A condition under which the tests are run.
#[derive(Debug, Clone, Default)]
struct Condition {
    name: String,
    ignored_signals: &'static [Signal],
    closed_stdin: bool,
    umask: bool,
    long_tmpdir: bool,
    path_with_spaces: bool,
}

const SIGNALS: &[Signal] =
    &[Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP, Signal::SIGPIPE, Signal::SIGCHLD];

fn conditions(each: bool) -> Vec<Condition> {
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

pub fn run(args: &Args) -> Result<bool> {
    if args.only == portable::NAME {
        return portable::run();
    }
    let chosen: Vec<_> =
        conditions(args.each).into_iter().filter(|it| it.name.contains(&args.only)).collect();
    ensure!(!chosen.is_empty(), "no condition's name contains '{}'", args.only);
    let mut failures = Vec::new();
    for condition in &chosen {
        let place = TempDir::new()?;
        let checkout = if condition.path_with_spaces { Checkout::with_spaces()? } else { Checkout::usual() };
        for test in checkout.build(args.all)? {
            let began = Instant::now();
            let passed = condition.run(&test, &place)?;
            let word = if passed { "ok" } else { "FAILED" };
            println!("{word:6}  {}: {} ({:.0} s)", condition.name, test.name, began.elapsed().as_secs_f64());
            if !passed {
                failures.push(format!("{}: {}", condition.name, test.name));
            }
        }
    }
    println!("scenarios: {} conditions, {} failures", chosen.len(), failures.len());
    Ok(failures.is_empty())
}

impl Condition {
    /// Runs a test program, and prints what it says if it fails.
    fn run(&self, test: &Test, place: &TempDir) -> Result<bool> {
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

/// A program of tests, and the folder in which cargo would run it.
struct Test {
    name: String,
    program: PathBuf,
    folder: PathBuf,
}

/// Where the repository is built from, and where to.
struct Checkout {
    manifest: PathBuf,
    target: Option<PathBuf>,
}

impl Checkout {
    fn usual() -> Checkout {
        Checkout { manifest: root().join("Cargo.toml"), target: None }
    }

    /// Links the repository from a path with spaces, and builds into such a path.
    fn with_spaces() -> Result<Checkout> {
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        let folder = target.join("scenarios");
        fs::create_dir_all(&folder)?;
        let link = folder.join("a checkout");
        if fs::read_link(&link).ok() != Some(root()) {
            let _ = fs::remove_file(&link);
            symlink(root(), &link).with_context(|| format!("cannot link {}", link.display()))?;
        }
        Ok(Checkout { manifest: link.join("Cargo.toml"), target: Some(folder.join("a target")) })
    }

    /// Builds the tests and returns their programs.
    fn build(&self, all: bool) -> Result<Vec<Test>> {
        let mut command = Command::new("cargo");
        command
            .args(["test", "--locked", "--no-run", "--message-format=json", "--manifest-path"])
            .arg(&self.manifest);
        if all {
            command.arg("--workspace");
        } else {
            command
                .args(["--package", "echospec", "--lib"])
                .args(TESTS.iter().flat_map(|name| ["--test", name]));
        }
        command.envs(self.target.iter().map(|target| ("CARGO_TARGET_DIR", target)));
        let output = command.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
        if !output.status.success() {
            bail!("cannot build the tests: {}", output.status);
        }
        let lines = output.stdout.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(|line| test(&serde_json::from_slice(line).ok()?)).collect())
    }
}

/// Returns the test program that a message of cargo announces.
fn test(message: &Value) -> Option<Test> {
    let program = message["executable"].as_str().filter(|_| message["profile"]["test"] == true)?;
    let folder = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
    Some(Test { name: message["target"]["name"].as_str()?.to_owned(), program: program.into(), folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cargos_messages() {
        let message = serde_json::json!({
            "manifest_path": "/a b/Cargo.toml",
            "target": { "name": "cli" },
            "profile": { "test": true },
            "executable": "/t/cli-1",
        });
        let found = test(&message).unwrap();
        assert_eq!(
            (found.name, found.program, found.folder),
            ("cli".into(), "/t/cli-1".into(), "/a b".into())
        );
        assert!(test(&serde_json::json!({ "reason": "build-finished" })).is_none());
    }

    #[test]
    fn a_long_folder_has_the_length() {
        let place = TempDir::new().unwrap();
        assert_eq!(long_folder(place.path()).unwrap().as_os_str().len(), LONG_PATH);
    }
}

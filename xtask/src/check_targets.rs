//! `cargo xtask check-targets`: clippy for the systems and processors that are not at hand. Nothing is linked or run.
//!
//! A target needs its standard library. `rustup target add` installs it; elsewhere a program of the user's own can take
//! the place of clippy: `--with`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::{root, target_folder};

const TARGETS: &[&str] = &[
    "aarch64-apple-darwin",
    "x86_64-apple-darwin",
    "x86_64-unknown-freebsd",
    "aarch64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
];

/// The variable with the program that `--with` names.
const WITH: &str = "ECHOSPEC_CLIPPY_WITH";

/// The exit code of that program if the standard library of its target is not available.
const NOT_AVAILABLE: i32 = 3;

/// A mistake that only the compiler for macOS can see.
const PLANTED: &str = "pub fn planted() -> u8 { \"not a number\" }\n";

/// The file of [`PLANTED`].
const PLACE: &str = "src/sys/macos/mod.rs";

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// Check only these targets
    targets: Vec<String>,

    /// Run PROGRAM TARGET for a target whose standard library rustup has not installed. Exit code 3 skips the target
    /// [variable: ECHOSPEC_CLIPPY_WITH]
    #[arg(long, value_name = "PROGRAM")]
    with: Option<String>,

    /// Then plant a mistake in a copy of the code for macOS, and fail if it is not found
    #[arg(long)]
    prove: bool,
}

/// The targets that were not found in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub failed: Vec<String>,
    pub skipped: Vec<String>,
}

/// The result of clippy for one target.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Clean,
    Failed,
    Skipped,
}

pub fn run(args: &Args) -> Result<bool> {
    let report = args.check()?;
    if !report.failed.is_empty() {
        return Ok(false);
    }
    if args.prove {
        args.prove()?;
    }
    ensure!(report.skipped.is_empty(), "{} not checked", report.skipped.join(", "));
    Ok(true)
}

impl Args {
    /// Checks every target, and prints how.
    pub fn check(&self) -> Result<Report> {
        let all = TARGETS.iter().map(|target| (*target).to_owned());
        let targets = if self.targets.is_empty() { all.collect() } else { self.targets.clone() };
        let mut report = Report::default();
        for target in targets {
            let began = Instant::now();
            let verdict = self.clippy(&target, root().as_path())?.verdict(&target)?;
            let seconds = began.elapsed().as_secs_f64();
            match verdict {
                Verdict::Clean => println!("ok       {target} ({seconds:.0} s)"),
                Verdict::Failed => {
                    println!("FAILED   {target} ({seconds:.0} s)");
                    report.failed.push(target);
                }
                Verdict::Skipped => {
                    println!("SKIPPED  {target}: its standard library is absent: rustup target add {target}");
                    report.skipped.push(target);
                }
            }
        }
        Ok(report)
    }

    /// Returns the command that runs clippy for `target` in `folder`; none if nothing here can.
    fn clippy(&self, target: &str, folder: &Path) -> Result<Clippy> {
        let mut command = if has_standard_library(target)? {
            let mut cargo = Command::new("cargo");
            cargo.args([
                "clippy",
                "--locked",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--target",
                target,
            ]);
            cargo.args(["--", "-D", "warnings"]);
            cargo
        } else if let Some(program) = self.with.clone().or_else(|| std::env::var(WITH).ok()) {
            let mut command = Command::new(program);
            command.arg(target);
            command
        } else {
            return Ok(Clippy(None));
        };
        command.current_dir(folder);
        Ok(Clippy(Some(command)))
    }

    /// Plants a mistake in a copy of the code for macOS, and fails if clippy does not find it.
    fn prove(&self) -> Result<()> {
        let target = TARGETS[0];
        let copy = tempfile::tempdir()?;
        copy_repository(copy.path())?;
        OpenOptions::new().append(true).open(copy.path().join(PLACE))?.write_all(PLANTED.as_bytes())?;
        let Some(mut command) = self.clippy(target, copy.path())?.0 else {
            println!("SKIPPED  the planted mistake: nothing here checks {target}");
            return Ok(());
        };
        // The compiled dependencies are used again.
        let output = command.env("CARGO_TARGET_DIR", target_folder()).output()?;
        let seen = says(&output, PLACE) && says(&output, "mismatched types");
        match output.status.code() {
            Some(NOT_AVAILABLE) => println!("SKIPPED  the planted mistake: {target} is not available"),
            Some(0) => bail!("the mistake planted in {PLACE} is not found"),
            _ if seen => println!("ok       the mistake planted in {PLACE} is found"),
            _ => bail!("clippy fails for another reason: {}", String::from_utf8_lossy(&output.stderr)),
        }
        Ok(())
    }
}

/// A command that runs clippy, if there is one.
struct Clippy(Option<Command>);

impl Clippy {
    fn verdict(self, target: &str) -> Result<Verdict> {
        let Some(mut command) = self.0 else { return Ok(Verdict::Skipped) };
        let status = command.status().with_context(|| format!("cannot run clippy for {target}"))?;
        Ok(Verdict::of(status.code()))
    }
}

impl Verdict {
    fn of(exit_code: Option<i32>) -> Verdict {
        match exit_code {
            Some(0) => Verdict::Clean,
            Some(NOT_AVAILABLE) => Verdict::Skipped,
            _ => Verdict::Failed,
        }
    }
}

/// Whether the compiler has a standard library for `target`.
pub fn has_standard_library(target: &str) -> Result<bool> {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    let output = output.context("cannot run rustc")?;
    ensure!(output.status.success(), "the compiler knows no target {target}");
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(false) };
    Ok(entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-")))
}

/// Copies the files that git knows into `folder`.
fn copy_repository(folder: &Path) -> Result<()> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    let output = output.context("cannot run git")?;
    ensure!(output.status.success(), "git lists no files: {}", String::from_utf8_lossy(&output.stderr));
    for name in String::from_utf8(output.stdout)?.split('\0').filter(|name| !name.is_empty()) {
        let (from, to) = (root().join(name), folder.join(name));
        fs::create_dir_all(to.parent().context("a file without a folder")?)?;
        if from.is_file() {
            fs::copy(&from, &to).with_context(|| format!("cannot copy {name}"))?;
        }
    }
    Ok(())
}

fn says(output: &Output, text: &str) -> bool {
    String::from_utf8_lossy(&output.stderr).contains(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A target that the compiler knows and that no developer installs.
    const ABSENT: &str = "m68k-unknown-linux-gnu";

    fn report(with: &str) -> Report {
        let args = Args { targets: vec![ABSENT.to_owned()], with: Some(with.to_owned()), prove: false };
        args.check().unwrap()
    }

    #[test]
    fn asks_the_given_program_for_an_absent_target() {
        assert_eq!(report("true"), Report::default());
        assert_eq!(report("false"), Report { failed: vec![ABSENT.to_owned()], ..Report::default() });
    }

    #[test]
    fn only_exit_code_3_skips_a_target() {
        assert_eq!(Verdict::of(Some(3)), Verdict::Skipped);
        assert_eq!([Some(1), Some(101), None].map(Verdict::of), [(); 3].map(|()| Verdict::Failed));
    }

    #[test]
    fn an_unknown_target_is_an_error() {
        let args = Args { targets: vec!["pdp11-unknown-v7".to_owned()], ..Args::default() };
        assert!(args.check().unwrap_err().to_string().contains("pdp11"));
    }

    #[test]
    fn the_own_target_is_installed_and_others_are_not() {
        assert!(
            has_standard_library(&format!("{}-unknown-linux-gnu", std::env::consts::ARCH)).unwrap_or(true)
        );
        assert!(!has_standard_library(ABSENT).unwrap());
    }
}

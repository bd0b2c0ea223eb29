//! Checks the bundled servers on another Linux.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::linuxes::Linux;
use super::selection::Selection;
use crate::bundled;
use crate::run_report::{Reasons, RunReport};

/// The number of servers that are checked at the same time.
const WORKERS: usize = 3;

/// The seconds after which a run is ended: far more than a run takes.
const TIME_LIMIT: &str = "900";

/// The program that denies system calls to another.
const FILTER: &str = "deny-system-calls";

/// The programs and the servers to check, in a place that every user can reach.
#[derive(Debug)]
pub struct Programs {
    place: TempDir,
    commands: Vec<String>,
    quick: bool,
}

/// The results of all servers on one Linux.
#[derive(Debug, Default)]
pub struct Results {
    /// The reason why this machine cannot become this Linux.
    pub unavailable: Option<String>,
    /// The release of the kernel and the processor.
    pub kernel: String,
    /// The number of servers that were checked.
    pub servers: usize,
    pub passed: usize,
    pub failures: Vec<String>,
    /// The reasons why servers were not checked at all, one for each server.
    pub refusals: Vec<String>,
    /// The checks that could not be run, each with its server, and the reasons.
    pub unsupported: BTreeMap<(String, String), String>,
}

impl Programs {
    /// Copies the programs that stand beside this one.
    pub fn copy(selection: &Selection) -> Result<Programs> {
        let this_program = std::env::current_exe()?;
        let folder = this_program.parent().context("this program has no folder")?;
        let programs = Programs::copy_from(folder, selection)?;
        programs.add(folder, FILTER)?;
        Ok(programs)
    }

    /// Copies echospec and the bundled servers from `folder`.
    pub fn copy_from(folder: &Path, selection: &Selection) -> Result<Programs> {
        let place = TempDir::new_in("/tmp")?;
        fs::set_permissions(place.path(), Permissions::from_mode(0o755))?;
        let programs = Programs { place, commands: selection.commands()?, quick: selection.quick };
        for name in names(&programs.commands) {
            programs.add(folder, name)?;
        }
        Ok(programs)
    }

    fn add(&self, folder: &Path, name: &str) -> Result<()> {
        fs::copy(folder.join(name), self.place.path().join(name))
            .with_context(|| format!("cannot copy {name}"))?;
        Ok(())
    }

    /// Checks all servers on `linux`.
    pub fn run_on(&self, linux: &Linux) -> Result<Results> {
        if let Some(reason) = self.why_unavailable(linux)? {
            return Ok(Results { unavailable: Some(reason), ..Results::default() });
        }
        let next = AtomicUsize::new(0);
        let results = Mutex::new(Ok(Results { kernel: kernel()?, ..Results::default() }));
        thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    while let Some(command) = self.commands.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let run = self.check(linux, command);
                        let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                        match (run, results.as_mut()) {
                            (Ok(run), Ok(results)) => results.add(linux.refusals, command, run),
                            (Err(error), Ok(_)) => *results = Err(error),
                            (_, Err(_)) => return,
                        }
                    }
                });
            }
        });
        results.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tries the steps of `linux`. Returns the reason if one of them fails.
    fn why_unavailable(&self, linux: &Linux) -> Result<Option<String>> {
        let output = self.command(linux, &["true"], self.place.path())?.output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        let reason = || errors.lines().last().unwrap_or("a step fails").to_owned();
        Ok((!output.status.success()).then(reason))
    }

    /// Returns the command that runs `words` on `linux`.
    fn command(&self, linux: &Linux, words: &[&str], directory: &Path) -> Result<Command> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [PathBuf::from(self.place.path())].into_iter().chain(std::env::split_paths(&path));
        let mut command = Command::new("timeout");
        command.args(["--kill-after=10", TIME_LIMIT]).args(linux.words()).args(words);
        command.env("PATH", std::env::join_paths(folders)?).env("PLACE", self.place.path());
        command.env("TMPDIR", directory).current_dir(directory).stdin(Stdio::null());
        Ok(command)
    }

    /// Checks one server on `linux`. A directory that is not empty at the end is a failure.
    fn check(&self, linux: &Linux, line: &str) -> Result<RunReport> {
        let directory = TempDir::new_in(self.place.path())?;
        let (options, server) = line.split_once(" -- ").context("a command has no server")?;
        let report = self
            .place
            .path()
            .join(format!("{}.json", directory.path().file_name().unwrap_or_default().display()));
        fs::write(&report, "")?;
        for (path, mode) in [(directory.path(), 0o1777), (&report, 0o666)] {
            fs::set_permissions(path, Permissions::from_mode(mode))?;
        }
        let report_name = report.to_string_lossy();
        let mut words: Vec<_> = options.split(' ').collect();
        words.extend(self.quick.then_some("--quick"));
        words.extend(["--json", &*report_name, "--"]);
        words.extend(server.split(' '));
        let output = self.command(linux, &words, directory.path())?.output()?;
        let json = fs::read_to_string(&report)?;
        fs::remove_file(&report)?;
        let mut run = RunReport::read(&json).unwrap_or_else(|_| RunReport {
            failures: vec![format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr))],
            ..RunReport::default()
        });
        let left =
            fs::read_dir(directory.path())?.flatten().map(|entry| format!("left {}", entry.path().display()));
        run.failures.extend(left);
        run.accept(&bundled::deviations(line)?);
        Ok(run)
    }
}

/// Returns the names of the programs that `commands` need.
pub fn names(commands: &[String]) -> BTreeSet<&str> {
    let servers = commands.iter().filter_map(|it| it.split_once(" -- ")?.1.split(' ').next());
    servers.chain(["echospec"]).collect()
}

/// Returns the release of the kernel that runs, and the processor.
fn kernel() -> Result<String> {
    let output = Command::new("uname").arg("-rm").output().context("cannot run uname(1)")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Results {
    /// Adds the results of one server. A refusal that names one of `refusals` is no failure.
    pub fn add(&mut self, refusals: &[&str], command: &str, run: RunReport) {
        let refusal = run.refusal.iter();
        let is_expected =
            |reason: &String| refusals.iter().any(|name| reason.contains(&format!(": {name}: ")));
        let unexpected = refusal.clone().filter(|reason| !is_expected(reason));
        let failures = run.failures.iter().chain(unexpected);
        self.failures.extend(failures.map(|failure| format!("{command}: {failure}")));
        self.servers += usize::from(run.refusal.is_none());
        self.passed += run.passed;
        self.refusals.extend(run.refusal);
        for (id, reason) in run.unsupported {
            self.unsupported.insert((command.to_owned(), id), reason);
        }
    }

    /// Returns the reasons why servers and checks were not run. Leaves out the reasons that `usual` has too.
    pub fn reasons(&self, usual: &Results) -> String {
        let mut reasons = Reasons::default();
        for reason in &self.refusals {
            reasons.add_server(reason);
        }
        for (key, reason) in &self.unsupported {
            if !usual.unsupported.contains_key(key) {
                reasons.add_check(reason, &key.1);
            }
        }
        reasons.line()
    }
}

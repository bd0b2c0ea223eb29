//! The front door of the library: [`check()`] a server, and get the results as values.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use glob::Pattern;

use crate::checks::{Check, QUICK_CHECK_IDS, all_checks};
use crate::config::Config;
use crate::deadline::{Deadlines, Interrupt};
use crate::outcome::Level;
use crate::payload::fresh_seed;
use crate::protocol::Protocol;
use crate::runner::{Expectation, RunOptions};
use crate::scene::Scene;
use crate::server::{LaunchError, Setup, Spec, Start};
use crate::transport::Transport;

mod error;
mod planned;
mod results;
mod scenes;
#[cfg(test)]
mod tests;

pub use error::Error;
pub(crate) use planned::PlannedRun;
pub use results::Results;

/// Describes a run of every check that applies to a server. Nothing is launched before
/// [`run`](CheckRun::run) or [`assert_ok`](CheckRun::assert_ok).
///
/// `command` is the program and its arguments. `{addr}`, `{host}`, `{port}` and `{path}` in it stand for the
/// address where the server must listen. No shell is involved.
///
/// ```
/// use echospec::Transport;
///
/// echospec::check(Transport::PIPE, ["cat"]).only("echo/half-*").assert_ok();
/// ```
pub fn check<S: Into<OsString>>(
    transport: &'static Transport,
    command: impl IntoIterator<Item = S>,
) -> CheckRun {
    CheckRun {
        transport,
        command: command.into_iter().map(Into::into).collect(),
        start: Start::Bind,
        setup: Setup::default(),
        protocol: None,
        #[cfg(feature = "cli")]
        spec: None,
        only: Vec::new(),
        skip: Vec::new(),
        quick: false,
        level: Level::May,
        seed: None,
        options: RunOptions::default(),
        expectations: Vec::new(),
        expectations_file: None,
        interrupt: None,
        scenes: Vec::new(),
    }
}

/// A run of checks on one server, made by [`check()`]: which checks, and how.
#[derive(Debug, Clone)]
#[must_use = "a run does nothing before `run` or `assert_ok`"]
pub struct CheckRun {
    transport: &'static Transport,
    command: Vec<OsString>,
    start: Start,
    setup: Setup,
    protocol: Option<Protocol>,
    /// The specification of the server to check, used instead of the fields for its parts.
    #[cfg(feature = "cli")]
    spec: Option<Spec>,
    only: Vec<String>,
    skip: Vec<String>,
    quick: bool,
    level: Level,
    seed: Option<u64>,
    options: RunOptions,
    expectations: Vec<Expectation>,
    expectations_file: Option<PathBuf>,
    interrupt: Option<Interrupt>,
    scenes: Vec<Scene>,
}

impl CheckRun {
    /// Sets the process that makes the server's socket. By default the server itself does.
    pub fn start(mut self, start: Start) -> CheckRun {
        self.start = start;
        self
    }

    /// Sets the protocol that the server speaks. Without it the run ends at once if the server is no echo server.
    pub fn protocol(mut self, protocol: Protocol) -> CheckRun {
        self.protocol = Some(protocol);
        self
    }

    /// Sets what the server needs beside its command: environment, files, a fixed address, the signals that end and reload
    /// it.
    pub fn setup(mut self, setup: Setup) -> CheckRun {
        self.setup = setup;
        self
    }

    /// Returns a run of checks on the server that `spec` describes. If its protocol is assumed, the run ends at once if
    /// the server is no echo server.
    #[cfg(feature = "cli")]
    pub(crate) fn of(spec: Spec, protocol_is_assumed: bool) -> CheckRun {
        let protocol = (!protocol_is_assumed).then(|| Protocol::clone(spec.protocol()));
        let run = check(spec.transport(), [""]);
        CheckRun { spec: Some(spec), protocol, ..run }
    }

    /// Runs only checks whose id matches this glob, such as `echo/*`. Call it again to add another.
    pub fn only(mut self, glob: impl Into<String>) -> CheckRun {
        self.only.push(glob.into());
        self
    }

    /// Leaves out checks whose id matches this glob. Call it again to add another.
    pub fn skip(mut self, glob: impl Into<String>) -> CheckRun {
        self.skip.push(glob.into());
        self
    }

    /// Runs only the few checks that find most faults, in a few seconds.
    pub fn quick(mut self) -> CheckRun {
        self.quick = true;
        self
    }

    /// Runs only checks of this level and above: [`Level::Must`] runs the fewest.
    pub fn level(mut self, level: Level) -> CheckRun {
        self.level = level;
        self
    }

    /// Sets the seed that determines the bytes of every payload sent to the server. By default each run has a new
    /// one.
    pub fn seed(mut self, seed: u64) -> CheckRun {
        self.seed = Some(seed);
        self
    }

    /// Sets how many checks run at the same time, each with a server of its own. The default is two per processor.
    pub fn jobs(mut self, jobs: usize) -> CheckRun {
        self.options.jobs = jobs;
        self
    }

    /// Sets how many times a failed check runs again. One that passes then is flaky, which is no failure.
    pub fn retries(mut self, retries: usize) -> CheckRun {
        self.options.retries = retries;
        self
    }

    /// Multiplies every deadline of a run of checks by `scale`, for a slow machine. The default is the environment
    /// variable `ECHOSPEC_TIMEOUT_SCALE`, or 1.
    ///
    /// # Panics
    /// If `scale` is not from 0.01 to 1000.
    #[track_caller]
    pub fn timeout_scale(mut self, scale: f64) -> CheckRun {
        assert!((0.01..=1000.0).contains(&scale), "a timeout scale must be from 0.01 to 1000, not {scale}");
        self.options.launch.deadlines = Deadlines::scaled(scale);
        self
    }

    /// Adds a known failure of a check. It does not fail the run; if the check passes, that does.
    pub fn expect(mut self, expectation: Expectation) -> CheckRun {
        self.expectations.push(expectation);
        self
    }

    /// Adds the known failures of checks from a file such as `echospec.toml`. Only entries about this server count.
    pub fn expectations_file(mut self, path: impl AsRef<Path>) -> CheckRun {
        self.expectations_file = Some(path.as_ref().to_owned());
        self
    }

    /// Lets another thread end the run of checks early. The checks that have not ended then are missing from the
    /// results.
    pub fn interrupt(mut self, interrupt: &Interrupt) -> CheckRun {
        self.interrupt = Some(interrupt.clone());
        self
    }

    /// Sets whether this process becomes a child subreaper (prctl(2), Linux) during the run of checks; see
    /// [`LaunchOptions::subreaper`](crate::LaunchOptions::subreaper).
    pub fn subreaper(mut self, on: bool) -> CheckRun {
        self.options.launch.subreaper = on;
        self
    }

    /// Sets whether a guard process kills the servers if this process is killed; see
    /// [`LaunchOptions::guard`](crate::LaunchOptions::guard).
    pub fn guard(mut self, on: bool) -> CheckRun {
        self.options.launch.guard = on;
        self
    }

    /// Skips the remaining checks once `failures` checks have failed.
    pub fn max_failures(mut self, failures: NonZeroUsize) -> CheckRun {
        self.options.max_failures = Some(failures);
        self
    }

    /// Keeps the timeline of a check's steps also if the check passed, in
    /// [`CheckResult::timeline`](crate::CheckResult::timeline).
    pub fn keep_all_timelines(mut self) -> CheckRun {
        self.options.keep_all_timelines = true;
        self
    }

    /// Plays these scenes instead of the checks of the catalogue. Each has a server of its own.
    pub fn scenes(mut self, scenes: impl IntoIterator<Item = Scene>) -> CheckRun {
        self.scenes.extend(scenes);
        self
    }

    /// Sets how many times each check or scene runs. The result is the first that is no pass, or else the last. The default
    /// is once.
    pub fn repeat(mut self, times: usize) -> CheckRun {
        self.options.repeat = times;
        self
    }

    /// Runs the checks, launching the server once for each, and returns the results.
    ///
    /// # Errors
    /// [`Error`] if no check applies, or if the server cannot be launched at all.
    pub fn run(&self) -> Result<Results, Error> {
        Ok(self.plan()?.run(|_| ())?)
    }

    /// Runs the checks and panics unless the results are [ok](Results::is_ok). The message is the report that
    /// `echospec check` prints.
    ///
    /// # Panics
    /// If a check fails, if the harness cannot do its work, and for every [`Error`].
    #[track_caller]
    pub fn assert_ok(&self) {
        match self.run() {
            Ok(results) => assert!(results.is_ok(), "{results}"),
            Err(error) => panic!("{error}"),
        }
    }

    /// Validates everything about a run of checks that can be wrong before a server is launched.
    pub(crate) fn plan(&self) -> Result<PlannedRun, Error> {
        let spec = self.spec().map_err(Error::Command)?;
        self.scenes.iter().try_for_each(|scene| scene.suits(&spec)).map_err(Error::Scene)?;
        let scenes: Vec<_> = self.scenes.iter().map(|scene| (scene.leak_check(), scene.clone())).collect();
        let checks = if scenes.is_empty() {
            self.select(&spec)?
        } else {
            scenes.iter().map(|(check, _)| *check).collect()
        };
        let mut options = self.options.clone();
        options.launch.seed = self.seed.unwrap_or_else(fresh_seed);
        options.protocol_is_assumed = self.protocol.is_none();
        options.expectations = self.expectations_for(&spec)?.into();
        Ok(PlannedRun { spec, checks, scenes, options, interrupt: self.interrupt.clone() })
    }

    fn spec(&self) -> Result<Spec, LaunchError> {
        #[cfg(feature = "cli")]
        if let Some(spec) = &self.spec {
            return Ok(spec.clone());
        }
        let command = self.command.iter().cloned();
        let spec = Spec::with_setup(self.transport, self.start, command, self.setup.clone())?;
        self.protocol.iter().cloned().try_fold(spec, Spec::speaking)
    }

    fn expectations_for(&self, spec: &Spec) -> Result<Vec<Expectation>, Error> {
        let from_file = match &self.expectations_file {
            Some(path) => Config::read(path)?.expectations_for(spec),
            None => Vec::new(),
        };
        Ok(self.expectations.iter().cloned().chain(from_file).collect())
    }

    /// Returns the checks that apply to the server and that the user selects. A glob that matches no check at all is an
    /// error.
    fn select(&self, spec: &Spec) -> Result<Vec<&'static Check>, Error> {
        let (only, skip) = (patterns(&self.only)?, patterns(&self.skip)?);
        let is_selected = |check: &&Check| {
            let matches = |pattern: &Pattern| pattern.matches(check.id);
            check.applies_to(spec.promised_capabilities())
                && check.level >= self.level
                && (!self.quick || QUICK_CHECK_IDS.contains(&check.id))
                && (only.is_empty() || only.iter().any(matches))
                && !skip.iter().any(matches)
        };
        let selected: Vec<_> = all_checks().filter(is_selected).collect();
        if selected.is_empty() {
            return Err(Error::NoneApplies { transport: spec.transport().name, start: spec.start().name() });
        }
        Ok(selected)
    }
}

fn patterns(globs: &[String]) -> Result<Vec<Pattern>, Error> {
    let pattern = |glob: &String| {
        let pattern = Pattern::new(glob)
            .map_err(|error| Error::BadGlob { glob: glob.clone(), problem: error.to_string() })?;
        if all_checks().any(|check| pattern.matches(check.id)) {
            return Ok(pattern);
        }
        Err(Error::NoMatch { glob: glob.clone() })
    };
    globs.iter().map(pattern).collect()
}

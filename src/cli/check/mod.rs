//! `echospec check`: runs all checks that apply against one server.

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;

use super::report::{create, find_format, read_runs};
use super::server_args::ServerArgs;
use super::{CliError, exit, interrupt};
use crate::check_run::{CheckRun, Error, PlannedRun, Results};
use crate::config;
use crate::deadline::SCALE_VARIABLE;
use crate::outcome::{Level, Outcome};
use crate::report::record::Recorder;
use crate::report::{AtEnd, Events, Format, JSON, Reporter, TerminalReport};
use crate::runner::{CheckResult, Summary};
use crate::server::{LaunchError, sweep};

mod configured;
mod learn;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    server: ServerArgs,

    /// Learn to write a server: run the checks in teaching order, and explain the first that does not pass.
    #[arg(long, conflicts_with_all = ["only", "quick", "json", "reports", "events", "failed", "names"])]
    learn: bool,

    /// Run only checks whose id matches GLOB, such as 'echo/*'; may be repeated.
    #[arg(long, value_name = "GLOB")]
    only: Vec<glob::Pattern>,

    /// Skip checks whose id matches GLOB; may be repeated.
    #[arg(long, value_name = "GLOB")]
    skip: Vec<glob::Pattern>,

    /// Run only the checks that find most faults, in a few seconds.
    #[arg(long)]
    quick: bool,

    /// Run only checks of this level or higher.
    #[arg(long, value_enum, default_value = "may")]
    level: LevelName,

    #[command(flatten)]
    output: ReportArgs,

    /// Record the steps of clients and server for passed checks too.
    #[arg(long)]
    all_timelines: bool,

    /// Run only the checks that failed in the run that FILE recorded.
    #[arg(long, value_name = "FILE")]
    failed: Option<PathBuf>,

    /// Multiply every deadline by N, for a slow machine.
    #[arg(long, value_name = "N", default_value = "1", env = SCALE_VARIABLE, value_parser = timeout_scale_of)]
    timeout_scale: f64,

    /// Run N checks at the same time, each with its own server [default: two per core].
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Seed of the payloads; give it to repeat a run [default: random].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Read servers, and known failures that then do not fail the run, from FILE
    /// [default: echospec.toml, if it exists].
    #[arg(long, value_name = "FILE", alias = "expectations")]
    config: Option<PathBuf>,

    /// Check the server NAME of echospec.toml; may be repeated. Without a name and without a command, all its
    /// servers are checked.
    #[arg(long = "server", value_name = "NAME", conflicts_with = "transport")]
    names: Vec<String>,

    /// Repeat a failed check up to N times, each with a new server; one that then passes is flaky.
    #[arg(long, value_name = "N", default_value_t = 0)]
    flaky_retries: usize,

    /// Run each check N times, each with a new server, and say how many of the runs passed.
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroUsize,

    /// Skip the remaining checks after N failures.
    #[arg(long, value_name = "N")]
    max_fail: Option<NonZeroUsize>,

    /// Skip the remaining checks after the first failure.
    #[arg(long, conflicts_with = "max_fail")]
    fail_fast: bool,
}

/// The arguments that name the files of reports.
#[derive(Debug, clap::Args)]
pub(super) struct ReportArgs {
    /// Write the results as one JSON object to FILE; '-' is standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Write the report in FORMAT to FILE as well; '-' is standard output. May be repeated.
    /// `echospec report --help` lists the formats.
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report_to)]
    reports: Vec<ReportTo>,

    /// Write each event of the run to FILE as one line of JSON, for `echospec report` and `echospec diff`.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,

    /// Print only the checks that did not pass, and the last line.
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,

    /// Print the steps of clients and server of each check that did not pass as well.
    #[arg(long, short)]
    verbose: bool,
}

const EXAMPLES: &str = "\
Examples:
  echospec check tcp -- ./my-server --listen {addr}
  echospec check tcp -- socat TCP-LISTEN:{port},bind={host},reuseaddr,fork EXEC:cat
  echospec check unix --only 'path/*' -- ./my-server {path}
  echospec check pipe -- cat
  echospec check tcp --start inetd -- cat
  echospec check tcp --protocol redis -- redis-server --port {port} --bind {host} --save ''
  echospec check tcp --send 'PING {token}\\n' --expect 'PONG {token}\\n' -- ./my-server {port}
  echospec check tcp --learn -- ./my-server {addr}
  echospec check --server web        the server `web` of echospec.toml; without --server, all of them";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LevelName {
    Must,
    Should,
    May,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    if args.learn {
        return learn::run(&args);
    }
    if !args.server.is_given() {
        return configured::run(&args);
    }
    let run = CheckRun::of(args.server.spec()?, args.server.protocol_is_assumed());
    let planned = with_options(run, &args)?.plan().map_err(refuse)?;
    let mut reporters = reporters(&args.output)?;
    interrupt::watch_signals()?;
    let results = run_planned(&planned, &mut reporters)?;
    sweep();
    reporters.send(|reporter| reporter.finish())?;
    Ok(ExitCode::from(exit_code(results?.checks())))
}

/// Runs the planned checks, and sends the events of the run to `reporters`.
///
/// # Errors
/// Those of writing the reports; within, why the server could not be launched.
pub(super) fn run_planned(
    planned: &PlannedRun,
    reporters: &mut Reporters,
) -> anyhow::Result<Result<Results, LaunchError>> {
    let mut recorder = Recorder::new(planned.heading(), planned.checks());
    let mut written = Ok(());
    let results = planned.run(|event| {
        interrupt::record_running_checks(event);
        let event = recorder.event(event);
        let sent = reporters.send(|reporter| reporter.event(&event));
        written = std::mem::replace(&mut written, Ok(())).and(sent);
    });
    let interrupted = results.as_ref().is_ok_and(Results::is_interrupted);
    let error = results.as_ref().err().map(ToString::to_string);
    for event in recorder.finish(interrupted, error) {
        reporters.send(|reporter| reporter.event(&event))?;
    }
    written?;
    Ok(results)
}

/// Adds the options of the command line that are not about the server to a run of checks.
fn with_options(run: CheckRun, args: &Args) -> anyhow::Result<CheckRun> {
    let level = match args.level {
        LevelName::Must => Level::Must,
        LevelName::Should => Level::Should,
        LevelName::May => Level::May,
    };
    let mut run = run
        .level(level)
        .timeout_scale(args.timeout_scale)
        .retries(args.flaky_retries)
        .repeat(args.repeat.get());
    run = args.only.iter().fold(run, |run, glob| run.only(glob.as_str()));
    run = args.skip.iter().fold(run, |run, glob| run.skip(glob.as_str()));
    if args.quick {
        run = run.quick();
    }
    let max_fail = if args.fail_fast { Some(NonZeroUsize::MIN) } else { args.max_fail };
    run = max_fail.into_iter().fold(run, CheckRun::max_failures);
    if args.all_timelines {
        run = run.keep_all_timelines();
    }
    if let Some(file) = &args.failed {
        run = failed_checks(file)?.into_iter().fold(run, CheckRun::only);
    }
    run = args.seed.into_iter().fold(run, CheckRun::seed);
    run = args.jobs.into_iter().fold(run, |run, jobs| run.jobs(jobs.get()));
    Ok(config_file(args)?.into_iter().fold(run, CheckRun::expectations_file))
}

/// Returns the ids of the checks that failed in a recorded run.
fn failed_checks(file: &Path) -> anyhow::Result<Vec<String>> {
    let runs = read_runs([file])?;
    let bad = |outcome: Outcome| outcome.is_failure() || outcome == Outcome::Broken;
    let failed = runs.iter().flat_map(|run| &run.checks).filter(|check| bad(check.outcome));
    let failed: Vec<String> = failed.map(|check| check.check.clone()).collect();
    if failed.is_empty() {
        return Err(CliError::nothing(format!("no check failed in {}", file.display())).into());
    }
    Ok(failed)
}

/// A report of a run of checks that is written to a file, as `--report FORMAT=FILE` names it.
#[derive(Debug, Clone)]
struct ReportTo {
    format: Format,
    file: PathBuf,
}

fn report_to(text: &str) -> Result<ReportTo, String> {
    let (name, file) = text
        .split_once('=')
        .filter(|(_, file)| !file.is_empty())
        .ok_or_else(|| "expected FORMAT=FILE, such as junit=report.xml; '-' is standard output".to_owned())?;
    Ok(ReportTo { format: find_format(name)?, file: file.into() })
}

/// Returns the configuration file that the user names, or else the one in the current directory.
fn config_file(args: &Args) -> anyhow::Result<Option<&Path>> {
    match &args.config {
        Some(named) => Ok(Some(named)),
        None => config::find().map_err(|error| CliError::usage(error.to_string()).into()),
    }
}

/// Creates an error for a mistake of the user, with the exit code of usage errors.
pub(super) fn refuse(error: Error) -> anyhow::Error {
    match error {
        Error::NoMatch { .. } | Error::NoneApplies { .. } => CliError::nothing(error.to_string()).into(),
        Error::Launch(error) => error.into(),
        error => CliError::usage(error.to_string()).into(),
    }
}

/// The reporters of a run of checks. One whose reader has gone away (`| head`) is dropped, and the run goes on.
pub(super) struct Reporters(Vec<Box<dyn Reporter>>);

impl Reporters {
    pub(super) fn send(
        &mut self,
        mut event: impl FnMut(&mut dyn Reporter) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut result = Ok(());
        self.0.retain_mut(|reporter| match event(reporter.as_mut()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => false,
            sent => {
                result = std::mem::replace(&mut result, Ok(())).and(sent);
                true
            }
        });
        result
    }
}

impl ReportArgs {
    /// Returns `report` with as much text as the user asks for.
    fn adjust<W: io::Write>(&self, report: TerminalReport<W>) -> TerminalReport<W> {
        match (self.quiet, self.verbose) {
            (true, _) => report.quiet(),
            (_, true) => report.with_steps(),
            _ => report,
        }
    }

    /// Returns how many reports go to standard output, so that the text cannot.
    fn reports_on_stdout(&self) -> usize {
        let reports = self.reports.iter().map(|report| &report.file);
        let files = reports.chain(&self.json).chain(&self.events);
        files.filter(|file| file.as_os_str() == "-").count()
    }
}

/// Creates the reporters that the user asks for. With a report on standard output, the text goes to standard error.
pub(super) fn reporters(args: &ReportArgs) -> anyhow::Result<Reporters> {
    let uses_stdout = args.reports_on_stdout() > 0;
    if args.reports_on_stdout() > 1 {
        return Err(CliError::usage("only one report can be written to standard output").into());
    }
    let json = args.json.iter().map(|file| ReportTo { format: JSON, file: file.clone() });
    let reports: Vec<ReportTo> = json.chain(args.reports.iter().cloned()).collect();
    let mut reporters: Vec<Box<dyn Reporter>> = vec![if uses_stdout {
        Box::new(args.adjust(TerminalReport::new(anstream::stderr())))
    } else {
        Box::new(args.adjust(TerminalReport::new(anstream::stdout())))
    }];
    for report in reports {
        reporters.push(Box::new(AtEnd::new(report.format, create(&report.file)?)));
    }
    if let Some(file) = &args.events {
        reporters.push(Box::new(Events::new(create(file)?)));
    }
    Ok(Reporters(reporters))
}

/// Returns the exit code for the results of checks. A skipped check counts as one that the harness could not run.
pub(super) fn exit_code(results: &[CheckResult]) -> u8 {
    let Summary { fail, broken, .. } = Summary::of(results);
    let skipped = results.iter().any(|result| result.outcome == Outcome::Skipped);
    match interrupt::received_signal() {
        Some(signal) => exit::SIGNAL_BASE + u8::try_from(signal).unwrap_or_default(),
        None if fail > 0 => exit::CHECK_FAILED,
        None if broken > 0 || skipped => exit::HARNESS_FAILED,
        None => exit::ALL_AS_EXPECTED,
    }
}

pub(super) fn timeout_scale_of(text: &str) -> Result<f64, String> {
    let scale: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.01..=1000.0).contains(&scale) { Ok(scale) } else { Err("must lie between 0.01 and 1000".into()) }
}

//! `echospec check`: runs all checks that apply against one server.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::ValueEnum;
use clap::builder::PossibleValuesParser;

use super::{CliError, exit, interrupt};
use crate::checks::{AREAS, Check, QUICK, checks};
use crate::deadline::{Deadlines, SCALE, interrupted};
use crate::expectations;
use crate::outcome::{Level, Outcome};
use crate::report::{Ending, Heading, Human, Json, Reporter};
use crate::runner::{self, CheckResult, Expectation, Options, Summary};
use crate::server::{LaunchError, LaunchOptions, Spec, Start, sweep};
use crate::transport::{TRANSPORTS, Transport};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Transport by which clients reach the server.
    #[arg(value_parser = PossibleValuesParser::new(TRANSPORTS.iter().map(|transport| transport.name)))]
    transport: String,

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

    /// Write the results as one JSON object to FILE; '-' is standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Multiply every deadline by N, for a slow machine.
    #[arg(long, value_name = "N", default_value = "1", env = SCALE, value_parser = scale)]
    timeout_scale: f64,

    /// Run N checks at the same time, each with its own server [default: two per core].
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Seed of the payloads; give it to repeat a run [default: random].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Read known failures, which then do not fail the run, from FILE
    /// [default: echospec.toml, if it exists].
    #[arg(long, value_name = "FILE")]
    expectations: Option<PathBuf>,

    /// Repeat a failed check up to N times, each with a new server; one that then passes is flaky.
    #[arg(long, value_name = "N", default_value_t = 0)]
    flaky_retries: usize,

    /// How the server gets its socket: it binds its own, or receives a listener as descriptor 3 (listen-fds), or
    /// each connection as descriptors 0, 1 and 2 (inetd).
    #[arg(long, default_value = "bind", value_parser = PossibleValuesParser::new(Start::ALL.map(Start::name)))]
    start: String,

    /// Command of the server, with {addr}, or {host} and {port}, or {path}, where the address belongs. No shell is
    /// involved.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  echospec check tcp -- ./my-server --listen {addr}
  echospec check tcp -- socat TCP-LISTEN:{port},bind={host},reuseaddr,fork EXEC:cat
  echospec check unix --only 'path/*' -- ./my-server {path}
  echospec check pipe -- cat
  echospec check tcp --start inetd -- cat";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LevelName {
    Must,
    Should,
    May,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let spec = spec(&args)?;
    let chosen = choose(&args, &spec)?;
    let seed = args.seed.unwrap_or_else(fresh_seed);
    let mut options = Options {
        launch: LaunchOptions {
            deadlines: Deadlines::scaled(args.timeout_scale),
            seed,
            ..LaunchOptions::default()
        },
        ..Options::default()
    };
    options.jobs = args.jobs.map_or(options.jobs, NonZeroUsize::get);
    options.retries = args.flaky_retries;
    options.expectations = expected(&args, &spec)?.into();
    let timeout_scale = Some(args.timeout_scale).filter(|&scale| scale != 1.0);
    let mut audience = Audience(reporters(&args, &Heading { spec: spec.clone(), seed, timeout_scale })?);
    interrupt::watch()?;

    let mut written = Ok(());
    let results = runner::run(&spec, &chosen, &options, |event| {
        interrupt::record(event);
        let told = audience.tell(|report| report.event(event));
        written = std::mem::replace(&mut written, Ok(())).and(told);
    });
    sweep();
    let (results, ending) = match results {
        Ok(results) if interrupted() => (results, Ending::Interrupted),
        Ok(results) => (results, Ending::Complete),
        Err(LaunchError::Interrupted) => (Vec::new(), Ending::Interrupted),
        Err(error) => {
            audience.tell(|report| report.finish(&[], &Ending::NotLaunched(error.to_string())))?;
            return Err(error.into());
        }
    };
    audience.tell(|report| report.finish(&results, &ending))?;
    written?;
    Ok(verdict(&results))
}

/// What the file that was named says of this server, or else the one in the current directory.
fn expected(args: &Args, spec: &Spec) -> anyhow::Result<Vec<Expectation>> {
    const USUAL: &str = "echospec.toml";
    match &args.expectations {
        Some(path) => expectations::read(path, &spec.command_line()),
        None if Path::new(USUAL).exists() => expectations::read(Path::new(USUAL), &spec.command_line()),
        None => Ok(Vec::new()),
    }
    .map_err(|error| CliError::usage(format!("{error:#}")).into())
}

/// Those who are told of the run. One that has gone away (`| head`) is told no more; the verdict stands.
struct Audience(Vec<Box<dyn Reporter>>);

impl Audience {
    fn tell(&mut self, mut news: impl FnMut(&mut dyn Reporter) -> io::Result<()>) -> io::Result<()> {
        let mut result = Ok(());
        self.0.retain_mut(|report| match news(report.as_mut()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => false,
            told => {
                result = std::mem::replace(&mut result, Ok(())).and(told);
                true
            }
        });
        result
    }
}

fn spec(args: &Args) -> anyhow::Result<Spec> {
    let transport = Transport::named(&args.transport).context("the list of transports is incomplete")?;
    let start = Start::named(&args.start).context("the list of ways of starting is incomplete")?;
    Spec::new(transport, start, args.command.clone())
        .map_err(|error| CliError::usage(error.to_string()).into())
}

/// The checks that apply to this server and that the user wants. A glob that matches nothing is a mistake
/// to be told, not an empty wish.
fn choose(args: &Args, spec: &Spec) -> Result<Vec<&'static Check>, CliError> {
    let level = match args.level {
        LevelName::Must => Level::Must,
        LevelName::Should => Level::Should,
        LevelName::May => Level::May,
    };
    for pattern in args.only.iter().chain(&args.skip) {
        if !checks().any(|check| pattern.matches(check.id)) {
            let area = AREAS.iter().find(|area| area.name == pattern.as_str());
            let hint = area.map_or("`echospec list` names them all".into(), |area| {
                format!("did you mean '{}/*'?", area.name)
            });
            return Err(CliError::nothing(format!("no check matches '{pattern}'; {hint}")));
        }
    }
    let wanted = |check: &&Check| {
        let quick = !args.quick || QUICK.contains(&check.id);
        let only = args.only.is_empty() || args.only.iter().any(|pattern| pattern.matches(check.id));
        quick && only && !args.skip.iter().any(|pattern| pattern.matches(check.id)) && check.level >= level
    };
    let chosen: Vec<_> = checks().filter(|check| check.applies_to(spec.offers())).filter(wanted).collect();
    if chosen.is_empty() {
        let (transport, start) = (spec.transport().name, spec.start().name());
        let text =
            format!("of the checks selected, none applies to {transport} servers started by '{start}'");
        return Err(CliError::nothing(text));
    }
    Ok(chosen)
}

/// JSON on standard output leaves standard error to the person.
fn reporters(args: &Args, heading: &Heading) -> anyhow::Result<Vec<Box<dyn Reporter>>> {
    let mut reports: Vec<Box<dyn Reporter>> = Vec::new();
    match &args.json {
        Some(path) if path.as_os_str() == "-" => {
            reports.push(Box::new(Human::new(heading.clone(), anstream::stderr())));
            reports.push(Box::new(Json::new(heading.clone(), io::stdout())));
        }
        Some(path) => {
            let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
            reports.push(Box::new(Human::new(heading.clone(), anstream::stdout())));
            reports.push(Box::new(Json::new(heading.clone(), io::BufWriter::new(file))));
        }
        None => reports.push(Box::new(Human::new(heading.clone(), anstream::stdout()))),
    }
    Ok(reports)
}

pub(super) fn verdict(results: &[CheckResult]) -> ExitCode {
    let Summary { fail, broken, .. } = Summary::of(results);
    // What a check could not ask is no good news.
    let unasked = results.iter().any(|report| report.outcome == Outcome::Skipped);
    ExitCode::from(match interrupt::received() {
        Some(signal) => exit::SIGNAL + u8::try_from(signal).unwrap_or_default(),
        None if fail > 0 => exit::FAILED,
        None if broken > 0 || unasked => exit::HARNESS,
        None => exit::OK,
    })
}

pub(super) fn scale(text: &str) -> Result<f64, String> {
    let scale: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.01..=1000.0).contains(&scale) { Ok(scale) } else { Err("must lie between 0.01 and 1000".into()) }
}

/// Short enough to be typed again.
pub(super) fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id()) % 1_000_000
}

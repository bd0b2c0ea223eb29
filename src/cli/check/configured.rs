//! `echospec check` without a command: the servers of `echospec.toml`, one after another.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use super::{Args, Reporters, config_file, exit_code, refuse, reporters, run_planned, with_options};
use crate::check_run::{CheckRun, Error, Results};
use crate::cli::{CliError, exit, interrupt};
use crate::config::{Config, ConfiguredServer};
use crate::report::TextReport;
use crate::server::{LaunchError, sweep};
use crate::text::{count_with_noun, most_similar};

/// Checks the servers of the configuration file: all, or only the ones that the user names.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(path) = config_file(args)? else {
        let text = "no server is given: name its transport and its command, as in \
                    `echospec check tcp -- ./my-server {addr}`, or describe servers in echospec.toml";
        return Err(CliError::usage(text).into());
    };
    let config = Config::read(path).map_err(|error| CliError::usage(error.to_string()))?;
    let servers = selected(&config, path, &args.names)?;
    let mut reporters = reporters(&args.output)?;
    interrupt::watch_signals()?;
    let mut runs = Vec::new();
    for server in servers {
        if interrupt::received_signal().is_some() {
            break;
        }
        runs.push(run_server(server, args, &mut reporters)?);
    }
    sweep();
    reporters.send(|reporter| reporter.finish())?;
    let mut out: Box<dyn Write> = text_output(args);
    write_summary(&mut out, &runs)?;
    Ok(ExitCode::from(common_exit_code(&runs)))
}

/// A server of the configuration file, and the way in which its run of checks ended.
struct ServerRun {
    name: String,
    outcome: Outcome,
}

enum Outcome {
    Run(Box<Results>),
    /// No selected check applies to the server.
    NothingSelected,
    NotLaunched(LaunchError),
}

impl ServerRun {
    fn exit_code(&self) -> u8 {
        match &self.outcome {
            Outcome::Run(results) => exit_code(results.checks()),
            Outcome::NothingSelected => exit::NOTHING_SELECTED,
            Outcome::NotLaunched(_) => exit::HARNESS_FAILED,
        }
    }
}

/// Returns the servers of the configuration file called `names`, or all servers if there are no names.
fn selected<'c>(
    config: &'c Config,
    path: &Path,
    names: &[String],
) -> Result<Vec<&'c ConfiguredServer>, CliError> {
    let (servers, path) = (config.servers(), path.display());
    if servers.is_empty() {
        let text =
            format!("{path} describes no server: write a table [server.NAME] with transport and command");
        return Err(CliError::usage(text));
    }
    if names.is_empty() {
        return Ok(servers.iter().collect());
    }
    let known = || servers.iter().filter_map(|server| server.spec.name());
    let find = |name: &String| {
        servers.iter().find(|server| server.spec.name() == Some(name)).ok_or_else(|| {
            let help = match most_similar(name, known()) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("it has {}", known().collect::<Vec<_>>().join(", ")),
            };
            CliError::usage(format!("{path} describes no server '{name}'; {help}"))
        })
    };
    names.iter().map(find).collect()
}

fn run_server(
    server: &ConfiguredServer,
    args: &Args,
    reporters: &mut Reporters,
) -> anyhow::Result<ServerRun> {
    let name = server.spec.name().unwrap_or_default().to_owned();
    let run = CheckRun::of(server.spec.clone(), server.protocol_is_assumed);
    let planned = match with_options(run, args)?.plan() {
        Err(Error::NoneApplies { .. }) => return Ok(ServerRun { name, outcome: Outcome::NothingSelected }),
        planned => planned.map_err(refuse)?,
    };
    let outcome = match run_planned(&planned, reporters)? {
        Ok(results) => {
            writeln!(text_output(args))?;
            Outcome::Run(Box::new(results))
        }
        Err(error) => {
            anstream::eprintln!("echospec: {name}: {error}\n");
            Outcome::NotLaunched(error)
        }
    };
    Ok(ServerRun { name, outcome })
}

/// Returns the stream to which the text report is written: standard error if another report goes to standard output.
fn text_output(args: &Args) -> Box<dyn Write> {
    if args.output.reports_on_stdout() > 0 {
        Box::new(anstream::stderr())
    } else {
        Box::new(anstream::stdout())
    }
}

/// Writes a line for each checked server, and how many servers ended as expected.
fn write_summary(out: &mut dyn Write, runs: &[ServerRun]) -> io::Result<()> {
    let width = runs.iter().map(|run| run.name.chars().count()).max().unwrap_or_default();
    for run in runs {
        let outcome = match &run.outcome {
            Outcome::Run(results) => TextReport::coloured().total(results.summary(), results.took()),
            Outcome::NothingSelected => "no check that was selected applies".into(),
            Outcome::NotLaunched(error) => {
                format!("not checked: {}", error.to_string().lines().next().unwrap_or_default())
            }
        };
        writeln!(out, "{:width$}  {outcome}", run.name)?;
    }
    let number = |code| runs.iter().filter(|run| run.exit_code() == code).count();
    let parts = [
        (exit::ALL_AS_EXPECTED, "as expected"),
        (exit::CHECK_FAILED, "failed"),
        (exit::HARNESS_FAILED, "not checked"),
    ];
    let parts = parts.into_iter().filter(|(code, _)| number(*code) > 0);
    let parts: Vec<_> = parts.map(|(code, words)| format!("{} {words}", number(code))).collect();
    writeln!(out, "{}: {}", count_with_noun(runs.len(), "server"), parts.join(", "))?;
    out.flush()
}

/// Returns the exit code for a run of checks on several servers: that of a failed check before that of a harness that
/// failed.
fn common_exit_code(runs: &[ServerRun]) -> u8 {
    if let Some(signal) = interrupt::received_signal() {
        return exit::SIGNAL_BASE + u8::try_from(signal).unwrap_or_default();
    }
    let codes: Vec<u8> = runs.iter().map(ServerRun::exit_code).collect();
    let has = |code| codes.contains(&code);
    match () {
        () if has(exit::CHECK_FAILED) => exit::CHECK_FAILED,
        () if has(exit::HARNESS_FAILED) => exit::HARNESS_FAILED,
        () if codes.iter().all(|&code| code == exit::NOTHING_SELECTED) => exit::NOTHING_SELECTED,
        () => exit::ALL_AS_EXPECTED,
    }
}

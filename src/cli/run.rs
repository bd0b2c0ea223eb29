//! `echospec run`: plays scenes against a server.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;

use super::check::{ReportArgs, exit_code, refuse, reporters, run_planned, timeout_scale_of};
use super::server_args::{ServerArgs, pair};
use super::{CliError, interrupt, scene};
use crate::check_run::CheckRun;
use crate::config::{self, Config};
use crate::deadline::SCALE_VARIABLE;
use crate::scene::Scene;
use crate::server::{Spec, Start, sweep};
use crate::text::did_you_mean;
use crate::transport::TRANSPORTS;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files of scenes. `docs/scenes.md` describes the language.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Transport by which clients reach the server [default: the one that the scene names, or tcp].
    #[arg(long, value_name = "NAME")]
    #[arg(value_parser = PossibleValuesParser::new(TRANSPORTS.iter().map(|transport| transport.name)))]
    transport: Option<String>,

    /// How the server gets its socket [default: what the scene says, or bind].
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Start::ALL.map(Start::name)))]
    start: Option<String>,

    /// Speak this protocol in requests and replies: a name of `echospec protocols`, or a file [default: the one that
    /// the scene names, or echo].
    #[arg(long, value_name = "NAME|FILE")]
    protocol: Option<String>,

    /// Set a parameter of the scenes, or with --protocol a value of the protocol, such as path=/status; may be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,

    /// Set an environment variable of the server; {addr}, {host}, {port}, {path} and {dir} are filled in.
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<OsString>,

    /// Write a file into the server's directory {dir} before each launch, with the placeholders of TEMPLATE filled in.
    #[arg(long, value_name = "NAME=TEMPLATE")]
    write: Vec<OsString>,

    /// Wait until the server's output matches this regular expression, and not only until it listens.
    #[arg(long, value_name = "REGEX")]
    ready_when: Option<String>,

    /// Play each scene N times, and say how many of the runs passed.
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroUsize,

    /// Play N scenes at the same time, each with its own server [default: two per core].
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Seed of the payloads; give it to repeat a run [default: random].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Multiply every deadline by N, for a slow machine.
    #[arg(long, value_name = "N", default_value = "1", env = SCALE_VARIABLE, value_parser = timeout_scale_of)]
    timeout_scale: f64,

    /// Repeat a failed scene up to N times; one that then passes is flaky.
    #[arg(long, value_name = "N", default_value_t = 0)]
    flaky_retries: usize,

    /// Read known failures, which then do not fail the run, from FILE [default: echospec.toml, if it exists].
    #[arg(long, value_name = "FILE", alias = "expectations")]
    config: Option<PathBuf>,

    #[command(flatten)]
    output: ReportArgs,

    /// Command of the server, with {addr}, or {host} and {port}, or {path}, where the address belongs, and the name of
    /// each peer in braces. No shell is involved [default: the command that the scene names].
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  echospec run drain.scene -- ./my-server --listen {addr}
  echospec run scenes/*.scene --transport unix --repeat 100 -- ./my-server {path}
  echospec run slow-origin.scene -- ./my-proxy --listen {addr} --to {origin}";

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = config_file(args)?;
    let (parameters, settings) = values(args, config)?;
    let mut planned = Vec::new();
    for group in groups(scene::read(&args.files, &parameters)?) {
        planned.push(plan(args, config, &settings, group)?.plan().map_err(refuse)?);
    }
    let mut reporters = reporters(&args.output)?;
    interrupt::watch_signals()?;
    let mut results = Vec::new();
    for run in &planned {
        if interrupt::received_signal().is_none() {
            results.extend(run_planned(run, &mut reporters)??.checks().iter().cloned());
        }
    }
    sweep();
    reporters.send(|reporter| reporter.finish())?;
    Ok(ExitCode::from(exit_code(&results)))
}

/// Returns the configuration file that the user names, or else the one in the current directory.
fn config_file(args: &Args) -> anyhow::Result<Option<&Path>> {
    match &args.config {
        Some(named) => Ok(Some(named)),
        None => config::find().map_err(|error| CliError::usage(error.to_string()).into()),
    }
}

/// The values of parameters, and the options `--set` that are about the protocol.
type Values = (Vec<(String, String)>, Vec<String>);

/// Returns the values of parameters, from the configuration file and then from `--set`, and the options `--set` that are
/// about the protocol.
///
/// # Errors
/// A name that is neither a parameter of a scene nor, without `--protocol`, anything else.
fn values(args: &Args, config: Option<&Path>) -> anyhow::Result<Values> {
    let usage = |error: config::ConfigError| CliError::usage(error.to_string());
    let configured = config.map(Config::read).transpose().map_err(usage)?;
    let mut parameters = configured.map(|it| it.scene_parameters().to_vec()).unwrap_or_default();
    if args.set.is_empty() {
        return Ok((parameters, Vec::new()));
    }
    let scenes = scene::read(&args.files, &[])?;
    let names: Vec<&str> = scenes.iter().flat_map(Scene::parameters).collect();
    let mut settings = Vec::new();
    for text in &args.set {
        let (name, value) = pair("--set", text)?;
        if names.contains(&name.as_str()) {
            parameters.push((name, value));
        } else if args.protocol.is_some() {
            settings.push(text.clone());
        } else {
            let hint = did_you_mean(&name, names.iter().copied());
            let hint =
                hint.unwrap_or_else(|| "a line `parameter NAME = VALUE` above all steps makes one".into());
            return Err(CliError::usage(format!("--set {name}: no scene has this parameter; {hint}")).into());
        }
    }
    Ok((parameters, settings))
}

/// Returns the scenes in groups that have the same head, and so the same server.
fn groups(scenes: Vec<Scene>) -> Vec<Vec<Scene>> {
    let mut groups: Vec<Vec<Scene>> = Vec::new();
    for scene in scenes {
        let same = groups.iter_mut().find(|group| group[0].header().text == scene.header().text);
        match same {
            Some(group) => group.push(scene),
            None => groups.push(vec![scene]),
        }
    }
    groups
}

/// Returns the run of scenes that have the same head.
fn plan(
    args: &Args,
    config: Option<&Path>,
    settings: &[String],
    scenes: Vec<Scene>,
) -> anyhow::Result<CheckRun> {
    let spec = spec(args, settings, &scenes[0])?;
    let mut run = CheckRun::of(spec, false).timeout_scale(args.timeout_scale).retries(args.flaky_retries);
    run = run.repeat(args.repeat.get()).scenes(scenes);
    run = args.seed.into_iter().fold(run, CheckRun::seed);
    run = args.jobs.into_iter().fold(run, |run, jobs| run.jobs(jobs.get()));
    Ok(config.into_iter().fold(run, CheckRun::expectations_file))
}

/// Returns the server of a scene. The command line takes precedence over the scene's head.
fn spec(args: &Args, settings: &[String], scene: &Scene) -> anyhow::Result<Spec> {
    let header = scene.header();
    let transport = header.transport.map_or("tcp", |transport| transport.name);
    let transport = args.transport.as_deref().unwrap_or(transport);
    let start = args.start.as_deref().unwrap_or(header.start.unwrap_or(Start::Bind).name());
    let mut command = args.command.clone();
    if command.is_empty() {
        command = header.command.iter().map(Into::into).collect();
    }
    if command.is_empty() {
        let text = format!(
            "{}: no server is given: write its command behind `--`, or a line `command …` above all steps",
            scene.file()
        );
        return Err(CliError::usage(text).into());
    }
    let server = ServerArgs::of_command(transport, start, command).with(
        args.protocol.clone(),
        settings.to_vec(),
        args.env.clone(),
        args.write.clone(),
        args.ready_when.clone(),
    );
    let spec = server.spec().map_err(without_fixed_address)?;
    match &header.protocol {
        Some(protocol) if args.protocol.is_none() => {
            Ok(spec.speaking(protocol.clone()).map_err(|error| CliError::usage(error.to_string()))?)
        }
        _ => Ok(spec),
    }
}

/// Removes the advice to name a fixed address from an error: scenes have none.
fn without_fixed_address(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<CliError>() {
        Ok(CliError { code, text }) => {
            let text = text.replace(", or name a fixed address with --addr", "");
            CliError { code, text }.into()
        }
        Err(other) => other,
    }
}

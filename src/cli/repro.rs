//! `echospec repro`: one check alone, with each step of client and server and its time.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;

use super::server_args::ServerArgs;
use super::{CliError, check, exit, interrupt};
use crate::checks::all_checks;
use crate::deadline::{Deadlines, SCALE_VARIABLE};
use crate::outcome::Outcome;
use crate::report::record::Recorder;
use crate::report::{Heading, Reporter, TerminalReport};
use crate::runner::{CheckResult, Event, RunOptions, rehearse, run_one_check};
use crate::scene::Recording;
use crate::server::{LaunchOptions, Spec, find_strace, keep_directories, run_directory, sweep};
use crate::trace::{Step, Trace};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of a check, such as echo/half-close.
    id: String,

    #[command(flatten)]
    server: ServerArgs,

    /// Seed of the payloads.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Multiply every deadline by N.
    #[arg(long, value_name = "N", default_value = "1", env = SCALE_VARIABLE, value_parser = check::timeout_scale_of)]
    timeout_scale: f64,

    /// Record the server's system calls with strace, in a file that is kept (Linux).
    #[arg(long)]
    strace: bool,

    /// Write the timeline as a scene to FILE, for `echospec run` (byte streams).
    #[arg(long, value_name = "FILE")]
    scene: Option<PathBuf>,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let check = all_checks()
        .find(|check| check.id == args.id)
        .ok_or_else(|| super::explain::unknown_id_error(&args.id))?;
    let plain = args.server.spec()?;
    if !check.applies_to(plain.promised_capabilities()) {
        let text = format!(
            "{} does not apply to {} servers started by '{}'",
            check.id,
            plain.transport().name,
            plain.start().name()
        );
        return Err(CliError::nothing(text).into());
    }
    interrupt::watch_signals()?;
    let options = options(args);
    // The check asks the same questions as in a whole run.
    let plain = rehearse(&plain, &options)?;
    keep_directories();
    let calls = args.strace.then(strace_file).transpose()?;
    let spec = calls.as_ref().map_or_else(|| plain.clone(), |file| plain.traced(file));
    let heading = Heading::new(&plain, &options);
    let mut human = TerminalReport::new(anstream::stdout());
    let mut recorder = Recorder::new(heading, &[check]);
    for event in [Event::Started(&plain, &[check]), Event::CheckStarted(check)] {
        interrupt::record_running_checks(&event);
        human.event(&recorder.event(&event))?;
    }
    let steps = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&steps);
    let print = |step: Step| {
        let _ = writeln!(anstream::stdout(), "{:>10.4} s  {step}", step.at.as_secs_f64());
    };
    let trace = Trace::with_contents(print, move |step| {
        recorded.lock().unwrap_or_else(PoisonError::into_inner).push(step);
    });
    let result = {
        let _traced = trace.enter();
        run_one_check(&spec, check, &options)
    };
    let kept = run_directory();
    sweep();
    writeln!(anstream::stdout())?;
    human.event(&recorder.event(&Event::CheckFinished(&result)))?;
    for event in recorder.finish(false, None) {
        human.event(&event)?;
    }
    for (what, path) in [("kept", kept), ("system calls", calls)] {
        if let Some(path) = path {
            writeln!(anstream::stdout(), "{what}: {}", path.display())?;
        }
    }
    if let Some(file) = &args.scene {
        let steps = steps.lock().unwrap_or_else(PoisonError::into_inner);
        write_scene(file, &plain, &result, &steps)?;
    }
    Ok(ExitCode::from(check::exit_code(&[result])))
}

fn options(args: &Args) -> RunOptions {
    RunOptions {
        launch: LaunchOptions {
            deadlines: Deadlines::scaled(args.timeout_scale),
            seed: args.seed,
            ..LaunchOptions::default()
        },
        protocol_is_assumed: args.server.protocol_is_assumed(),
        ..RunOptions::default()
    }
}

/// Writes the recorded steps of a check as a scene.
fn write_scene(file: &Path, spec: &Spec, result: &CheckResult, steps: &[Step]) -> anyhow::Result<()> {
    let failed = (result.outcome != Outcome::Pass).then_some((&*result.expected, &*result.actual));
    let recording =
        Recording { title: result.check.sentence, check: result.check.id, failure: failed, steps };
    let text = recording
        .scene(spec)
        .map_err(|why| CliError { code: exit::HARNESS_FAILED, text: why.to_string() })?;
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    writeln!(anstream::stdout(), "scene: {}", file.display())?;
    Ok(())
}

/// Returns the path of the file for a server's system calls, in a new directory that is kept.
fn strace_file() -> anyhow::Result<PathBuf> {
    find_strace().map_err(|text| CliError { code: exit::HARNESS_FAILED, text })?;
    let place = tempfile::Builder::new().prefix("echospec-strace-").tempdir()?.keep();
    Ok(place.join("strace.txt"))
}

//! `echospec fds`: the descriptors of running processes, and which process holds the other end of each.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::builder::RangedI64ValueParser;
use nix::unistd::Pid;

use super::{CliError, exit, interrupt};
use crate::deadline::{Deadlines, SCALE_VARIABLE};
use crate::diagram::text::{Charset, draw};
use crate::fds::{self, Activity, InspectError, Inspection, JsonInspection, LaunchedCommand};
use crate::server::describe_exit;
use crate::text::printable;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The processes to draw, in this order.
    #[arg(value_name = "PID", required_unless_present = "command", conflicts_with = "command")]
    #[arg(value_parser = RangedI64ValueParser::<i32>::new().range(1..))]
    pids: Vec<i32>,

    /// Draw all descendants of the processes too.
    #[arg(long)]
    tree: bool,

    /// Print one JSON object instead of a diagram.
    #[arg(long)]
    json: bool,

    /// Draw in plain ASCII instead of box-drawing characters.
    #[arg(long, conflicts_with = "json")]
    ascii: bool,

    /// Multiply by N the time that a command has to become idle, which is 5 s.
    #[arg(long, value_name = "N", default_value = "1", env = SCALE_VARIABLE, value_parser = super::check::timeout_scale_of)]
    timeout_scale: f64,

    /// Launch this command with the standard descriptors of echospec, wait until it is idle, draw it with all its
    /// descendants, and kill them.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  echospec fds $(pgrep -d ' ' my-server)
  echospec fds --tree $$
  echospec fds -- sh -c 'yes | sleep 60'";

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.command.is_empty() { inspect_pids(args) } else { inspect_command(args) }
}

fn inspect_pids(args: &Args) -> anyhow::Result<ExitCode> {
    let pids: Vec<Pid> = args.pids.iter().copied().map(Pid::from_raw).collect();
    let pids = if args.tree { with_descendants(&pids)? } else { pids };
    print(args, &inspect(&pids)?)
}

fn inspect_command(args: &Args) -> anyhow::Result<ExitCode> {
    interrupt::watch_signals()?;
    let name = args.command.first().map(|name| printable(&name.to_string_lossy())).unwrap_or_default();
    let launched = LaunchedCommand::launch(&args.command).map_err(|error| CliError {
        code: exit::HARNESS_FAILED,
        text: format!("cannot run {name}: {error}"),
    })?;
    match launched.wait_until_idle(Deadlines::scaled(args.timeout_scale)) {
        Ok(Activity::Exited(status)) => {
            let text = format!("{name} has exited ({}): there is no process to draw", describe_exit(status));
            return Err(CliError { code: exit::HARNESS_FAILED, text }.into());
        }
        Ok(Activity::Busy) => {
            anstream::eprintln!("warning: {name} does not become idle; the diagram shows one moment\n");
        }
        Ok(Activity::Idle) => {}
        Err(_) => {
            let signal = interrupt::received_signal().unwrap_or_default();
            return Ok(ExitCode::from(exit::SIGNAL_BASE + u8::try_from(signal).unwrap_or_default()));
        }
    }
    print(args, &inspect(&with_descendants(&[launched.pid()])?)?)
}

fn print(args: &Args, inspection: &Inspection) -> anyhow::Result<ExitCode> {
    let mut out = anstream::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &JsonInspection::from(inspection))
            .map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        let charset = if args.ascii { Charset::Ascii } else { Charset::Unicode };
        write!(out, "{}", draw(&inspection.to_snapshot(), charset))?;
    }
    let visible = inspection.processes.iter().any(|process| process.descriptors.is_some());
    Ok(ExitCode::from(if visible { exit::ALL_AS_EXPECTED } else { exit::HARNESS_FAILED }))
}

fn inspect(pids: &[Pid]) -> Result<Inspection, CliError> {
    fds::inspect(pids).map_err(to_cli_error)
}

fn with_descendants(pids: &[Pid]) -> Result<Vec<Pid>, CliError> {
    fds::with_descendants(pids).map_err(to_cli_error)
}

fn to_cli_error(error: InspectError) -> CliError {
    let code =
        if matches!(error, InspectError::NoProcess(_)) { exit::USAGE_ERROR } else { exit::HARNESS_FAILED };
    CliError { code, text: format!("{:#}", anyhow::Error::from(error)) }
}

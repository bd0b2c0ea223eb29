//! `echospec fds`: the descriptors of any running processes, and who holds the other end of each.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::builder::RangedI64ValueParser;
use nix::unistd::Pid;

use super::{CliError, exit, interrupt};
use crate::deadline::{Deadlines, SCALE};
use crate::diagram::text::{Charset, draw};
use crate::fds::{self, Data, InspectError, Launched, Settled, View};
use crate::server::describe;
use crate::text::printable;

/// Whom to look at, and how to show it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The processes, drawn in this order.
    #[arg(value_name = "PID", required_unless_present = "command", conflicts_with = "command")]
    #[arg(value_parser = RangedI64ValueParser::<i32>::new().range(1..))]
    pids: Vec<i32>,

    /// Draw all that descend from them, too.
    #[arg(long)]
    tree: bool,

    /// Print what was seen as one JSON object.
    #[arg(long)]
    json: bool,

    /// Draw in plain ASCII instead of box-drawing characters.
    #[arg(long, conflicts_with = "json")]
    ascii: bool,

    /// Multiply by this how long a command may take to come to rest, which is 5 s.
    #[arg(long, value_name = "N", default_value = "1", env = SCALE, value_parser = super::check::scale)]
    timeout_scale: f64,

    /// Launch this command with the standard descriptors of this one, draw it and all that it has launched once
    /// they come to rest, and end them.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  echospec fds $(pgrep -d ' ' my-server)
  echospec fds --tree $$
  echospec fds -- sh -c 'yes | sleep 60'";

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let pids: Vec<Pid> = args.pids.iter().copied().map(Pid::from_raw).collect();
    if args.command.is_empty() {
        let pids = if args.tree { with_descendants(&pids)? } else { pids };
        return show(args, &look(&pids)?);
    }
    interrupt::watch()?;
    let launched = Launched::launch(&args.command).map_err(|error| not_launched(args, &error))?;
    match launched.settle(Deadlines::scaled(args.timeout_scale)) {
        Ok(Settled::Ended(status)) => {
            let text =
                format!("{} has come to its end ({}): nothing is left to draw", name(args), describe(status));
            return Err(CliError { code: exit::HARNESS, text }.into());
        }
        Ok(Settled::Busy) => {
            anstream::eprintln!("echospec: it does not come to rest; this is one moment of it\n");
        }
        Ok(Settled::Rests) => {}
        Err(_) => {
            let signal = interrupt::received().unwrap_or_default();
            return Ok(ExitCode::from(exit::SIGNAL + u8::try_from(signal).unwrap_or_default()));
        }
    }
    show(args, &look(&with_descendants(&[launched.pid()])?)?)
}

fn show(args: &Args, view: &View) -> anyhow::Result<ExitCode> {
    let mut out = anstream::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &Data::from(view)).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        let charset = if args.ascii { Charset::Ascii } else { Charset::Unicode };
        write!(out, "{}", draw(&view.snapshot(), charset))?;
    }
    let seen = view.subjects.iter().any(|subject| subject.held.is_some());
    Ok(ExitCode::from(if seen { exit::OK } else { exit::HARNESS }))
}

fn look(pids: &[Pid]) -> Result<View, CliError> {
    fds::look(pids).map_err(refused)
}

fn with_descendants(pids: &[Pid]) -> Result<Vec<Pid>, CliError> {
    fds::with_descendants(pids).map_err(refused)
}

fn refused(blind: InspectError) -> CliError {
    let code = if matches!(blind, InspectError::NoProcess(_)) { exit::USAGE } else { exit::HARNESS };
    CliError { code, text: format!("{:#}", anyhow::Error::from(blind)) }
}

fn not_launched(args: &Args, error: &std::io::Error) -> CliError {
    CliError { code: exit::HARNESS, text: format!("cannot run {}: {error}", name(args)) }
}

fn name(args: &Args) -> String {
    args.command.first().map(|name| printable(&name.to_string_lossy())).unwrap_or_default()
}

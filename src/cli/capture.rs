//! `echospec capture`: runs a command and records the packets on its ports.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::builder::RangedU64ValueParser;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{CliError, exit, interrupt};
use crate::deadline::Deadlines;
use crate::requirement::PACKET_CAPTURE;
use crate::sys::{self, PacketCapture};
use crate::text::{count_with_noun, printable};
use crate::wire::{Recording, claims, explain_capture_error};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The pcapng file to write. An existing file is overwritten.
    file: PathBuf,

    /// Keep at most this many bytes of each packet, headers included.
    #[arg(long, value_name = "BYTES", default_value_t = 1024)]
    #[arg(value_parser = RangedU64ValueParser::<u32>::new().range(160..=262_144))]
    snap: u32,

    /// List every connection in the summary, not only the first 50.
    #[arg(long)]
    all: bool,

    /// The command to run: echospec itself, or a program that runs it. Each run of echospec reports its ports.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "\
The packets go to FILE and the summary to standard error. The exit code is that of the command.

Examples:
  echospec capture echo.pcapng -- echospec check tcp -- ./my-server {addr}
  tshark -r echo.pcapng -Y 'tcp.flags.reset == 1'";

/// The number of connections that the summary lists without `--all`.
const MAX_LISTED: usize = 50;

/// The time to wait for a packet before checking whether the command has exited.
const PACKET_WAIT: Duration = Duration::from_millis(50);

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let capture = PacketCapture::open(None, args.snap).map_err(|error| {
        let text =
            format!("cannot record packets: {}; {}", explain_capture_error(&error), PACKET_CAPTURE.help);
        CliError { code: exit::HARNESS_FAILED, text }
    })?;
    let file = File::create(&args.file)
        .map_err(|error| CliError::usage(format!("cannot write {}: {error}", file_name(args))))?;
    interrupt::watch_signals()?;
    let (mut recording, pipe) =
        Recording::begin(capture, file, args.snap).with_context(|| file_name(args))?;
    let child =
        launch(args, pipe.descriptor, &pipe.name).inspect_err(|_| drop(fs::remove_file(&args.file)))?;
    let status = record(&mut recording, child).with_context(|| file_name(args))?;
    summarize(args, &recording)?;
    Ok(exit_code(status))
}

fn launch(args: &Args, claims: std::os::fd::OwnedFd, name: &str) -> anyhow::Result<Child> {
    let (program, arguments) = args.command.split_first().context("no command")?;
    let mut command = Command::new(program);
    command.args(arguments).env(claims::CLAIM_VARIABLE, name);
    sys::pass_descriptors(&mut command, claims::CLAIM_DESCRIPTOR, vec![claims])?;
    sys::set_subreaper(true);
    sys::kill_with_parent(&mut command);
    sys::restore_descriptor_limit(&mut command);
    let program = printable(&program.to_string_lossy());
    let failed =
        |error| CliError { code: exit::HARNESS_FAILED, text: format!("cannot run {program}: {error}") };
    Ok(sys::with_launch_lock(|| command.spawn()).map_err(failed)?)
}

/// Records packets of the loopback interface until the command exits.
fn record(recording: &mut Recording, mut child: Child) -> std::io::Result<ExitStatus> {
    let pid = Pid::from_raw(child.id().cast_signed());
    let mut interrupt = PendingInterrupt::default();
    while sys::exit_status(pid)?.is_none() {
        recording.record_next(PACKET_WAIT)?;
        interrupt.forward(pid);
    }
    // Packets may still be queued. Other programs may send for ever, so there is a limit.
    let limit = Instant::now() + Duration::from_secs(1);
    while recording.record_next(Duration::from_millis(1))? && Instant::now() < limit {}
    recording.finish()?;
    child.wait()
}

/// An interrupt of this process, to be forwarded to the command that `echospec capture` runs.
#[derive(Default)]
struct PendingInterrupt {
    since: Option<Instant>,
    forwarded: bool,
}

impl PendingInterrupt {
    /// Sends SIGTERM to the captured command after this process has received a signal. After SIGINT it first waits
    /// for the command to exit: a terminal sends SIGINT to the command too, and a second signal can make it skip its
    /// cleanup.
    fn forward(&mut self, pid: Pid) {
        let Some(signal) = interrupt::received_signal() else { return };
        let since = *self.since.get_or_insert_with(Instant::now);
        let may_exit_itself =
            signal == Signal::SIGINT as i32 && since.elapsed() < Deadlines::default().exit();
        if !self.forwarded && !may_exit_itself {
            self.forwarded = true;
            let _ = kill(pid, Signal::SIGTERM);
        }
    }
}

fn summarize(args: &Args, recording: &Recording) -> anyhow::Result<()> {
    let mut out = anstream::stderr().lock();
    let all = recording.conversations();
    let listed = if args.all { all.len() } else { MAX_LISTED };
    writeln!(out)?;
    for conversation in all.iter().take(listed) {
        writeln!(out, "{conversation}")?;
    }
    if all.len() > listed {
        writeln!(out, "… and {} more; --all lists them", all.len() - listed)?;
    }
    let flags =
        all.iter().fold([0; 4], |sum: [u64; 4], it| [0, 1, 2, 3].map(|flag| sum[flag] + it.flags[flag]));
    let [syn, syn_ack, fin, rst] = flags;
    let packets = count_with_noun(usize::try_from(recording.recorded())?, "packet");
    let conversations = count_with_noun(all.len(), "conversation");
    writeln!(
        out,
        "{packets} of {conversations} in {}: {syn} SYN, {syn_ack} SYN-ACK, {fin} FIN, {rst} RST",
        file_name(args)
    )?;
    if recording.dropped() > 0 {
        let missed = count_with_noun(usize::try_from(recording.dropped())?, "packet");
        writeln!(
            out,
            "warning: {missed} on the interface came too fast to be read, and may be missing from the file"
        )?;
    }
    if !recording.has_claims() {
        writeln!(out, "warning: the command has reported no port; only runs of echospec do")?;
    }
    Ok(())
}

fn file_name(args: &Args) -> String {
    printable(&args.file.to_string_lossy())
}

/// Returns the exit code of the captured command as a shell would: 128 + N for signal N.
fn exit_code(status: ExitStatus) -> ExitCode {
    let signal = status.signal().map(|signal| i32::from(exit::SIGNAL_BASE) + signal);
    ExitCode::from(
        status.code().or(signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::HARNESS_FAILED),
    )
}

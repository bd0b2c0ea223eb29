//! `echospec capture`: a run with the packets of its own ports on record.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::builder::RangedU64ValueParser;
use command_fds::{CommandFdExt, FdMapping};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{CliError, exit, interrupt};
use crate::deadline::Deadlines;
use crate::requirement::PACKETS;
use crate::sys::{self, PacketCapture};
use crate::text::{count, printable};
use crate::wire::{Recording, claims, obstacle};

/// What to record, and where.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The pcapng file to write; one that is there is written over.
    file: PathBuf,

    /// Keep at most this many bytes of each packet, headers included.
    #[arg(long, value_name = "BYTES", default_value_t = 1024)]
    #[arg(value_parser = RangedU64ValueParser::<u32>::new().range(160..=262_144))]
    snap: u32,

    /// List every connection in the summary, not only the first 50.
    #[arg(long)]
    all: bool,

    /// The command, which is echospec itself or starts it: its runs tell which ports are theirs.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "\
The packets go into FILE; the summary goes to standard error, and the exit code is the command's.

Examples:
  echospec capture echo.pcapng -- echospec check tcp -- ./my-server {addr}
  tshark -r echo.pcapng -Y 'tcp.flags.reset == 1'";

/// So many connections are listed.
const LISTED: usize = 50;

/// How long to wait for a packet before looking whether the command has ended.
const GLANCE: Duration = Duration::from_millis(50);

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let tap = PacketCapture::open(None, args.snap).map_err(|error| {
        let text = format!("packets cannot be recorded: {}; {}", obstacle(&error), PACKETS.mend);
        CliError { code: exit::HARNESS, text }
    })?;
    let file = File::create(&args.file)
        .map_err(|error| CliError::usage(format!("cannot write {}: {error}", shown(args))))?;
    interrupt::watch()?;
    let (mut recording, ticket) = Recording::begin(tap, file, args.snap).with_context(|| shown(args))?;
    let child =
        launch(args, ticket.descriptor, &ticket.name).inspect_err(|_| drop(fs::remove_file(&args.file)))?;
    let status = record(&mut recording, child).with_context(|| shown(args))?;
    summarize(args, &recording)?;
    Ok(code(status))
}

fn launch(args: &Args, claims: std::os::fd::OwnedFd, name: &str) -> anyhow::Result<Child> {
    let (program, arguments) = args.command.split_first().context("no command")?;
    let mut command = Command::new(program);
    command.args(arguments).env(claims::PIPE, name);
    command.fd_mappings(vec![FdMapping { parent_fd: claims, child_fd: claims::NUMBER }])?;
    sys::set_subreaper(true);
    sys::kill_with_parent(&mut command);
    sys::restore_descriptor_limit(&mut command);
    let program = printable(&program.to_string_lossy());
    let failed = |error| CliError { code: exit::HARNESS, text: format!("cannot run {program}: {error}") };
    Ok(sys::with_launch_lock(|| command.spawn()).map_err(failed)?)
}

/// Records until the command has ended.
fn record(recording: &mut Recording, mut child: Child) -> std::io::Result<ExitStatus> {
    let pid = Pid::from_raw(child.id().cast_signed());
    let mut plea = Plea::default();
    while sys::exit_status(pid)?.is_none() {
        recording.advance(GLANCE)?;
        plea.pass_on(pid);
    }
    // What its last moments have left in the queue. The others on this interface may go on for ever.
    let end = Instant::now() + Duration::from_secs(1);
    while recording.advance(Duration::from_millis(1))? && Instant::now() < end {}
    recording.end()?;
    child.wait()
}

/// An interrupt, passed on to the command.
#[derive(Default)]
struct Plea {
    since: Option<Instant>,
    made: bool,
}

impl Plea {
    /// A terminal tells the command of Ctrl-C itself, and to be told twice can mean to it to end untidily: it is told
    /// again only if it has not ended after a while. Of another signal it has not heard.
    fn pass_on(&mut self, pid: Pid) {
        let Some(signal) = interrupt::received() else { return };
        let since = *self.since.get_or_insert_with(Instant::now);
        let knows = signal == Signal::SIGINT as i32 && since.elapsed() < Deadlines::default().exit();
        if !self.made && !knows {
            self.made = true;
            let _ = kill(pid, Signal::SIGTERM);
        }
    }
}

fn summarize(args: &Args, recording: &Recording) -> anyhow::Result<()> {
    let mut out = anstream::stderr().lock();
    let all = recording.conversations();
    let listed = if args.all { all.len() } else { LISTED };
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
    let packets = count(usize::try_from(recording.kept())?, "packet");
    let conversations = count(all.len(), "conversation");
    writeln!(
        out,
        "{packets} of {conversations} in {}: {syn} SYN, {syn_ack} SYN-ACK, {fin} FIN, {rst} RST",
        shown(args)
    )?;
    if recording.missed() > 0 {
        let missed = count(usize::try_from(recording.missed())?, "packet");
        writeln!(out, "{missed} on the interface came too fast to be seen, and may be missing")?;
    }
    if !recording.was_told() {
        writeln!(out, "the command has told of no port: only echospec's own runs do")?;
    }
    Ok(())
}

fn shown(args: &Args) -> String {
    printable(&args.file.to_string_lossy())
}

/// The command's own, as a shell would tell it.
fn code(status: ExitStatus) -> ExitCode {
    let signal = status.signal().map(|signal| i32::from(exit::SIGNAL) + signal);
    ExitCode::from(status.code().or(signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::HARNESS))
}

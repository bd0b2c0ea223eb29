//! Checks a server whose standard error is not read, or cannot be written.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::steps::check_launched_with;
use crate::deadline::{WaitOutcome, wait};
use crate::outcome::Level::{May, Should};
use crate::payload::KIB;
use crate::server::{LaunchOptions, Server, Stdio};
use crate::sys;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, Client};

/// Capabilities that a server must have for these checks: filters that echo have them, too.
const STREAMS: Capabilities = Capabilities::STDIO.union(Capabilities::STAYS_OPEN);

pub const FAILING: Check = Check {
    id: "stdio/failing-stderr",
    level: Should,
    sentence: "a server that cannot write to its standard error answers as before",
    why: "a client may close it, or keep it in a file on a disk that is full; no answer depends on the log",
    citations: &[
        "MCP 2025-06-18, Transports, stdio (\"The client MAY capture, forward, or ignore this logging\")",
        "write(2) (ENOSPC, EBADF)",
        "full(4)",
    ],
    recipe: "start the server with standard error closed, and exchange 10 messages and those that it must refuse (a filter may hold its answers until the end of input); do the same with /dev/full as standard error",
    requires: STREAMS,
    run: failing,
};

pub const UNREAD: Check = Check {
    id: "stdio/unread-stderr",
    level: May,
    sentence: "a server goes on serving after it has filled a standard error that is not read",
    why: "a client that does not read the log of its server hangs with it, hours later, when the pipe is full",
    citations: &[
        "pipe(7) (PIPE_BUF, capacity)",
        "MCP 2025-06-18, Transports, stdio (\"The client MAY … ignore this logging\")",
    ],
    recipe: "start the server with a pipe as standard error, and do not read it; send requests, some of which it must refuse, one after another, until the pipe is full, at most 3,000 of them; send 200 more. A server that logs less, or would at the pace of the first 50 rounds, is not asked",
    requires: STREAMS,
    run: unread,
};

fn failing(server: &mut Server) -> check::Result {
    serves_with(server, Stdio::Closed, "with standard error closed")?;
    // Not every system has full(4).
    let Ok(full) = File::options().write(true).open("/dev/full") else { return Ok(()) };
    serves_with(server, Stdio::descriptor(full), "with /dev/full as standard error")
}

fn serves_with(server: &mut Server, stderr: Stdio, when: &str) -> check::Result {
    let options = LaunchOptions { stdio: [Stdio::Piped, Stdio::Piped, stderr], ..server.options() };
    check_launched_with(server, options, when, |server| {
        let mut client = server.connect()?;
        (0..10).try_for_each(|_| ask_one(server, &mut client))?;
        client.collect_rest()
    })
}

/// Exchanges one message, and sends the requests that the server must refuse, so that it logs them.
fn ask_one(server: &Server, client: &mut Client) -> check::Result {
    let line = b"this line may be logged\n";
    if client.is_of_echo() {
        // A filter may hold its output until the end of input, except on a terminal.
        let ends = server.spec().capabilities().contains(Capabilities::END_OF_INPUT);
        return if ends { client.send_and_collect(line) } else { client.exchange(line) };
    }
    for turn in server.spec().protocol().refused() {
        client.ask(turn)?;
    }
    client.exchange(b"logged")
}

/// The maximum number of rounds of requests until the server's log has filled its pipe.
const ROUNDS: usize = 1500;

/// The number of rounds after which a server is not asked further if it logs too little to fill its pipe in
/// [`ROUNDS`].
const FIRST: usize = 50;

/// The number of deadlines for an exit after which a server that fills its pipe too slowly is not asked further.
const LIMITS: u32 = 6;

/// The number of rounds of requests after the server's log has filled its pipe.
const MORE: usize = 100;

fn unread(server: &mut Server) -> check::Result {
    let (reader, writer) = os_pipe::pipe().or_broken("a pipe")?;
    let mut log = UnreadLog { reader, writer: writer.try_clone().or_broken("a pipe")? };
    let stdio = [Stdio::Piped, Stdio::Piped, Stdio::descriptor(writer)];
    let options = LaunchOptions { stdio, ..server.options() };
    check_launched_with(server, options, "with a standard error that is not read", |server| {
        // The limit only bounds the time of a server that logs little.
        let (mut stopwatch, limit) = (server.stopwatch(), server.deadlines().exit() * LIMITS);
        let mut client = server.connect()?;
        let mut filled_at = None;
        for round in 0..ROUNDS + MORE {
            let asked = ask_one(server, &mut client);
            asked.or_else(|finding| Err(if log.is_full()? { log.stopped(round)? } else { finding }))?;
            if round == FIRST && log.held()? * ROUNDS < log.capacity() * FIRST {
                break;
            }
            if filled_at.is_none() && log.is_full()? {
                filled_at = Some(round);
            }
            match filled_at {
                Some(filled_at) if round >= filled_at + MORE => {
                    let rest = client.collect_rest();
                    return rest
                        .or_else(|finding| Err(if log.is_full()? { log.stopped(round)? } else { finding }));
                }
                None if round >= ROUNDS => break,
                None if round % FIRST == 0 && stopwatch.elapsed() >= limit => break,
                _ => {}
            }
        }
        let bytes = count_with_noun(log.drain()?, "byte");
        let reason = format!("the server logs too little on standard error to fill a pipe: {bytes}");
        Err(Finding::unsupported("", "").because(reason))
    })
}

/// A pipe that a server writes its log to, and both ends of which the harness holds.
struct UnreadLog {
    reader: os_pipe::PipeReader,
    writer: os_pipe::PipeWriter,
}

impl UnreadLog {
    /// Whether the pipe of the server's log is full: poll(2) does not report it as writable.
    fn is_full(&self) -> check::Result<bool> {
        let mut interest = [PollFd::new(self.writer.as_fd(), PollFlags::POLLOUT)];
        Ok(wait(&mut interest, Duration::ZERO)? == WaitOutcome::Elapsed)
    }

    /// Returns the number of bytes of log in the pipe.
    fn held(&self) -> check::Result<usize> {
        let held = rustix::io::ioctl_fionread(&self.reader).or_broken("FIONREAD")?;
        Ok(usize::try_from(held).unwrap_or(usize::MAX))
    }

    fn capacity(&self) -> usize {
        sys::pipe_capacity(self.reader.as_fd()).unwrap_or(64 * KIB)
    }

    /// Reads the log that lies in the pipe, and returns its length.
    fn drain(&mut self) -> check::Result<usize> {
        fcntl(&self.reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).or_broken("F_SETFL")?;
        let mut log = Vec::new();
        // The read ends with EAGAIN, because the pipe has writers.
        drop(self.reader.read_to_end(&mut log));
        Ok(log.len())
    }

    fn stopped(&mut self, round: usize) -> check::Result<Finding> {
        let bytes = count_with_noun(self.drain()?, "byte");
        let actual =
            format!("none after {}, when {bytes} of log lay unread", count_with_noun(round, "round"));
        Ok(Finding::info("answers, although the log is not read", actual)
            .because("the server waits in write(2) until its standard error is read"))
    }
}

//! Checks a server whose standard output is a pipe in non-blocking mode, which becomes full.

use std::fs::File;
use std::os::fd::OwnedFd;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::conversation::ask_without_reading;
use crate::deadline::until;
use crate::outcome::{Level::Should, Outcome};
use crate::payload::MIB;
use crate::server::Server;
use crate::sys;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, Client, Link};

pub const CHECK: Check = Check {
    id: "stdio/nonblocking-output",
    level: Should,
    sentence: "a server whose standard output is a full pipe in non-blocking mode loses no answer without an error",
    why: "another process that shares the pipe may have set O_NONBLOCK; then write(2) takes a part or fails with EAGAIN, and a server that ignores this cuts its output and exits as if it were complete",
    citations: &[
        "write(2) (EAGAIN)",
        "write(3p) (O_NONBLOCK)",
        "open(2) (O_NONBLOCK)",
        "pipe(7)",
        "cat(1p) (EXIT STATUS)",
    ],
    recipe: "set O_NONBLOCK on the write end of a pipe, and start the server with it as standard output; send requests for 1 MiB of answers without reading (with echo, 1 MiB) until the pipe is full; then read everything, with echo to end of file; if a part is missing, the server must exit with another status than 0, or print an error",
    requires: Capabilities::PIPES.union(Capabilities::STAYS_OPEN),
    run,
};

const CAUSE: &str =
    "its standard output was full and in non-blocking mode: write(2) takes a part, or fails with EAGAIN";

fn run(server: &mut Server) -> check::Result {
    let mut client = connect(server)?;
    let printed = server.instance()?.output().text();
    let lost = if client.is_of_echo() { echo(server, &mut client) } else { ask(server, &mut client) };
    let lost = match lost {
        Ok(Some(lost)) => lost,
        // The server has ended, or reads nothing more.
        Err(finding) if finding.outcome.is_failure() => {
            let hangs = finding.outcome == Outcome::Timeout;
            Lost { of: finding.expected, found: finding.actual, hangs }
        }
        other => return other.map(drop),
    };
    let deadlines = server.deadlines();
    let limit = if lost.hangs { deadlines.quiet() } else { deadlines.exit() };
    match server.wait_for_exit(limit)? {
        Some(status) if !status.success() => Ok(()),
        ended => {
            let has_printed = server.instance()?.output().text() != printed;
            let end = if ended.is_some() { "exit status 0" } else { "the server lives on" };
            let actual = format!("{}, then {end}", lost.found);
            if has_printed {
                return Err(Finding::info(lost.of, actual).because(CAUSE).because("it printed an error"));
            }
            Err(Finding::fail(lost.of, actual).because(CAUSE))
        }
    }
}

/// The part of the answers that did not arrive, in words.
struct Lost {
    of: String,
    found: String,
    /// Whether the server has made no progress until the deadline.
    hangs: bool,
}

/// Launches the server with a pipe as standard output whose write end is in non-blocking mode.
fn connect(server: &mut Server) -> check::Result<Client> {
    let (input, to) = os_pipe::pipe().or_broken("a pipe")?;
    let (from, output) = os_pipe::pipe().or_broken("a pipe")?;
    let flags = OFlag::from_bits_retain(fcntl(&output, FcntlArg::F_GETFL).or_broken("F_GETFL")?);
    fcntl(&output, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).or_broken("F_SETFL")?;
    let file = |end: OwnedFd| File::from(end);
    let link = Link::pipes(file(to.into()), file(from.into())).or_broken("a client's end")?;
    let client = server.client_over(link);
    let client = server.launch_for(client, OwnedFd::from(input), OwnedFd::from(output))?;
    Ok(client.pipelining())
}

fn echo(server: &mut Server, client: &mut Client) -> check::Result<Option<Lost>> {
    let bytes = server.payload(MIB);
    let taken = client.fill_until_blocked(&bytes)?;
    let bytes = &bytes[..taken];
    expect_full(server, client)?;
    client.shut_down_write()?;
    let end = client.receive_to_end();
    if end.as_ref().is_err_and(|finding| !finding.outcome.is_failure()) {
        return end.map(|()| None);
    }
    let echo = client.take_received();
    if echo == bytes {
        return Ok(None);
    }
    let same = echo.iter().zip(bytes).take_while(|(one, other)| one == other).count();
    let of = format!("{} of echo", count_with_noun(bytes.len(), "byte"));
    let found = match echo.len() - same {
        0 => format!("the first {same} of them"),
        others => format!("the first {same} of them, and {} that differ", count_with_noun(others, "byte")),
    };
    Ok(Some(Lost { of, found, hangs: end.is_err() }))
}

fn ask(server: &mut Server, client: &mut Client) -> check::Result<Option<Lost>> {
    client.exchange(b"not full")?;
    let requests = ask_without_reading(server, client)?;
    expect_full(server, client)?;
    let answered = client.receive_all_replies();
    if answered.as_ref().is_err_and(|finding| !finding.outcome.is_failure()) {
        return answered.map(|_| None);
    }
    let unanswered = client.unanswered();
    if unanswered == 0 && answered.is_ok() {
        return Ok(None);
    }
    let of = format!("answers to {}", count_with_noun(requests, "request"));
    let hangs = answered.is_err();
    let found = match (unanswered, answered) {
        (0, Err(finding)) => finding.actual,
        _ => format!("answers to {} of them", requests.saturating_sub(unanswered)),
    };
    Ok(Some(Lost { of, found, hangs }))
}

/// Waits until the server's output has filled at least half of the pipe: its messages may be longer than the room that is
/// left. Fails with *unsupported* if that does not happen, unless the server has ended.
fn expect_full(server: &mut Server, client: &Client) -> check::Result {
    let input = client.input_descriptor();
    let capacity = sys::pipe_capacity(input).or_unsupported("the capacity of a pipe")?;
    let held = || {
        let held = rustix::io::ioctl_fionread(input).or_unsupported("the bytes in a pipe")?;
        Ok(usize::try_from(held).unwrap_or(usize::MAX))
    };
    let full = until(server.deadlines().no_progress(), || {
        let ended = server.instance()?.ended().is_some();
        Ok((ended || 2 * held()? >= capacity).then_some(()))
    })?;
    if full.is_some() {
        return Ok(());
    }
    let bytes = count_with_noun(held()?, "byte");
    Err(Finding::unsupported("a full pipe", format!("{bytes} of output in it")))
}

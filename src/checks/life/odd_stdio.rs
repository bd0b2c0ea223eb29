//! Checks a server whose standard descriptors are closed, empty or not writable.

use std::fs::File;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags};

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::steps::{check_launched_with, serve_clients};
use crate::deadline::wait;
use crate::outcome::{Level::Should, Outcome};
use crate::server::{LaunchOptions, Server, Stdio};
use crate::sys;
use crate::transport::Capabilities;

pub const CLOSED_STDIO: Check = Check {
    id: "life/closed-stdio",
    level: Should,
    sentence: "a server started with empty or closed standard descriptors serves its clients, and its log does not reach them",
    why: "open(2) and accept(2) return the lowest free number: descriptor 0 is not an error, and a client on descriptor 1 receives the log",
    citations: &["exec(3p)", "open(2)", "stdin(3)", "daemon(7)"],
    recipe: "start the server with /dev/null as descriptor 0, with 0 closed, with 1 closed, with 2 closed, and with all three closed; each time 3 clients, one after another, receive their own bytes and nothing else",
    requires: Capabilities::MANY_CLIENTS.union(Capabilities::LAUNCHED),
    run: closed,
};

pub const UNWRITABLE_STDOUT: Check = Check {
    id: "life/unwritable-stdout",
    level: Should,
    sentence: "a server that cannot write its log keeps serving",
    why: "if a failed write or SIGPIPE ends the server, a full disk or a log reader that has exited stops the service",
    citations: &["write(2) (EPIPE, ENOSPC)", "signal(7) (SIGPIPE)", "full(4)"],
    recipe: "start the server with a pipe as descriptor 1, serve a client, and close the read end; start it with /dev/full as 1 and 2; each time 3 clients, one after another, receive their own bytes and nothing else; a server ended by SIGPIPE, or before its first client, is only reported",
    requires: Capabilities::MANY_CLIENTS.union(Capabilities::LAUNCHED),
    run: unwritable,
};

fn closed(server: &mut Server) -> check::Result {
    // This fails on a system that does not list processes: there a server without standard output cannot report that it
    // is ready.
    server.processes()?;
    let usual = || Stdio::Piped;
    let shut = || Stdio::Closed;
    let nothing = File::open("/dev/null").or_broken("/dev/null")?;
    serves_with(server, [Stdio::descriptor(nothing), usual(), usual()], "with /dev/null as standard input")?;
    serves_with(server, [shut(), usual(), usual()], "with standard input closed")?;
    serves_with(server, [usual(), shut(), usual()], "with standard output closed")?;
    serves_with(server, [usual(), usual(), shut()], "with standard error closed")?;
    serves_with(server, [shut(), shut(), shut()], "with descriptors 0, 1 and 2 closed")
}

fn unwritable(server: &mut Server) -> check::Result {
    server.processes()?;
    reader_closes(server)?;
    // Not every system has full(4).
    let Ok(full) = File::options().write(true).open("/dev/full") else { return Ok(()) };
    let full = Stdio::descriptor(full);
    let stdio = [Stdio::Piped, full.clone(), full];
    let mut has_served = false;
    let result = check_launched_with(
        server,
        LaunchOptions { stdio, ..server.options() },
        "with /dev/full as standard output and error",
        |server| {
            serve_clients(server, 1)?;
            has_served = true;
            serve_clients(server, 2)
        },
    );
    // A server may refuse to start if it cannot print its announcement. It must not exit once it serves.
    result.map_err(|finding| if has_served { finding } else { as_info(finding) })
}

/// Checks that a server keeps serving after the reader of its standard output has gone.
fn reader_closes(server: &mut Server) -> check::Result {
    let (reader, writer) = os_pipe::pipe().or_broken("a pipe")?;
    let stdio = [Stdio::Piped, Stdio::descriptor(writer), Stdio::Piped];
    let options = LaunchOptions { stdio, ..server.options() };
    check_launched_with(server, options, "whose standard output has no reader any more", |server| {
        serve_clients(server, 1)?;
        // The server may print its announcement after it has served a client, so wait for that first.
        wait(&mut [PollFd::new(reader.as_fd(), PollFlags::POLLIN)], server.deadlines().quiet())?;
        server.await_reaction()?;
        sys::between_launches(|| drop(reader));
        serve_clients(server, 3)
    })
    .map_err(excuse_sigpipe)
}

fn serves_with(server: &mut Server, stdio: [Stdio; 3], when: &str) -> check::Result {
    let result = check_launched_with(server, LaunchOptions { stdio, ..server.options() }, when, |server| {
        serve_clients(server, 3)
    });
    result.map_err(excuse_sigpipe)
}

/// Lowers the outcome of a finding to *info* if SIGPIPE ended the server: that is the default action of signal(7).
fn excuse_sigpipe(finding: Finding) -> Finding {
    let ended = [&finding.actual, &finding.reason].iter().any(|text| text.contains("(SIGPIPE)"));
    if ended { as_info(finding) } else { finding }
}

/// Lowers the outcome of a failed check to *info*.
fn as_info(finding: Finding) -> Finding {
    match finding.outcome.is_failure() {
        true => Finding { outcome: Outcome::Info, ..finding },
        false => finding,
    }
}

//! Checks when and how a server announces its address.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitStatus;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::announcement::contains_address;
use crate::checks::steps::{check_launched_with, serve_clients};
use crate::deadline::{WaitOutcome, until, wait};
use crate::outcome::Level::Should;
use crate::server::{Instance, LaunchOptions, Server, Stdio, describe_exit, full_pipe, open_pseudo_terminal};
use crate::sys;
use crate::text::excerpt;
use crate::transport::Capabilities;

pub const ANNOUNCES_WHEN_LISTENING: Check = Check {
    id: "life/announces-when-listening",
    level: Should,
    sentence: "the server announces its address only after it listens there",
    why: "a script that connects as soon as it reads the announcement is refused now and then, above all on a busy machine",
    citations: &["listen(2)", "connect(2) (ECONNREFUSED)", "pipe(7)"],
    recipe: "start the server with a full pipe as standard output; when it blocks in write(2), check whether it listens; if not, read what it was about to print",
    requires: Capabilities::BINDS.union(Capabilities::PORT),
    run: when_listening,
};

pub const ANNOUNCEMENT_FLUSHED: Check = Check {
    id: "life/announcement-flushed",
    level: Should,
    sentence: "the server announces its address on a pipe as it does on a terminal",
    why: "standard output is block-buffered unless it is a terminal, so a launcher that reads a pipe waits for a line that stays in the buffer",
    citations: &["stdout(3)", "setvbuf(3)", "fflush(3)"],
    recipe: "start the server with a pipe as standard output, and serve a client; if no output names its address, do the same with a terminal, and compare",
    requires: Capabilities::MANY_CLIENTS.union(Capabilities::LAUNCHED),
    run: flushed,
};

/// The first action of a starting server whose writes to standard output block.
enum First {
    Listens,
    Prints,
    Exits(ExitStatus),
}

fn when_listening(server: &mut Server) -> check::Result {
    let (reader, writer) = full_pipe().or_broken("the server with a full pipe")?;
    server.crash();
    let stdio = [Stdio::Piped, Stdio::descriptor(writer), Stdio::Piped];
    let options = LaunchOptions { stdio, ..server.options() };
    let started = server.start_at(server.address(), &options);
    let mut instance = started.or_broken("the server with a full pipe")?;
    let (limit, stopwatch) = (server.deadlines().start(), instance.stopwatch(server.deadlines()));
    // A server may take long to start on a busy machine.
    match stopwatch.wait(limit, |left| until(left, || first(server, &mut instance)))? {
        Some(First::Listens) => Ok(()),
        Some(First::Prints) => {
            let text = first_line(OwnedFd::from(reader).into(), server, &instance)?;
            expect_no_announcement(server, text.lines().next().unwrap_or_default())
        }
        Some(First::Exits(status)) => {
            Err(Finding::broken("the server with a full pipe", describe_exit(status)))
        }
        None => {
            Err(Finding::broken("the server with a full pipe", "it neither listens nor prints nor exits"))
        }
    }
}

fn first(server: &Server, instance: &mut Instance) -> check::Result<Option<First>> {
    if server.is_ready(instance) {
        return Ok(Some(First::Listens));
    }
    if let Some(status) = instance.ended() {
        return Ok(Some(First::Exits(status)));
    }
    for process in instance.processes().or_unsupported("whether it waits to print")? {
        if sys::is_blocked_writing_pipe(process.pid)
            .or_else(false_if_gone)
            .or_unsupported("whether it waits to print")?
        {
            // The process is blocked in write(2), so it listens by now or not until it has printed.
            let listens = server.is_ready(instance);
            return Ok(Some(if listens { First::Listens } else { First::Prints }));
        }
    }
    Ok(None)
}

fn false_if_gone(error: std::io::Error) -> std::io::Result<bool> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(false) } else { Err(error) }
}

/// Returns the first line of output that the server could not write into the full pipe. It may have written later
/// lines after that.
fn first_line(mut reader: File, server: &Server, instance: &Instance) -> check::Result<String> {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let mut interest = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
        let mut waited = wait(&mut interest, server.deadlines().quiet())?;
        if waited == WaitOutcome::Elapsed {
            // On a busy machine its write(2) may not have gone on yet.
            instance.await_reaction(server.deadlines())?;
            waited = wait(&mut interest, Duration::ZERO)?;
        }
        let length = if waited == WaitOutcome::Ready { reader.read(&mut buffer).unwrap_or(0) } else { 0 };
        text.extend_from_slice(&buffer[..length]);
        if length == 0 || text.contains(&b'\n') {
            let own = text.iter().position(|&byte| byte != b'.').unwrap_or(text.len());
            return Ok(String::from_utf8_lossy(&text[own..]).into_owned());
        }
    }
}

/// Fails if `line`, printed before the server listens, announces the server's address. Other output may come before:
/// that the server has read a file, or that it is about to bind.
fn expect_no_announcement(server: &Server, line: &str) -> check::Result {
    let plans = ["starting", "binding", "opening", "trying", "will "];
    let lower = line.to_lowercase();
    if !contains_address(line, server.address()) || plans.iter().any(|word| lower.contains(word)) {
        return Ok(());
    }
    let wanted = format!("a server that listens before it prints {}", excerpt(line.as_bytes()));
    Err(Finding::fail(wanted, "it prints that, and nothing listens yet"))
}

fn flushed(server: &mut Server) -> check::Result {
    let options = server.options();
    check_launched_with(server, options, "with a pipe as standard output", |server| {
        serve_clients(server, 1)?;
        if until(server.deadlines().quiet(), || announced(server))?.is_some() {
            return Ok(());
        }
        let Some(line) = on_a_terminal(server)? else { return Ok(()) };
        // By now the server has had more time to print than on the terminal.
        server.await_reaction()?;
        if until(server.deadlines().quiet(), || announced(server))?.is_some() {
            return Ok(());
        }
        let wanted = format!("{} in a pipe, as on a terminal", excerpt(line.as_bytes()));
        Err(Finding::fail(wanted, "nothing that names its address")
            .because("standard output is not flushed, and in a pipe it is buffered in blocks"))
    })
}

fn announced(server: &mut Server) -> check::Result<Option<()>> {
    let text = server.instance()?.output().text();
    Ok(contains_address(&text, server.address()).then_some(()))
}

/// Launches the server on a terminal. Returns the line that names the server's address, if the server prints one.
fn on_a_terminal(server: &mut Server) -> check::Result<Option<String>> {
    let (screen, theirs) = open_pseudo_terminal().or_broken("a terminal")?;
    let stdio = [Stdio::Piped, Stdio::descriptor(theirs), Stdio::Piped];
    let options = LaunchOptions { stdio, ..server.options() };
    let mut found = None;
    check_launched_with(server, options, "with a terminal as standard output", |server| {
        serve_clients(server, 1)?;
        found = announcement_on(File::from(screen), server)?;
        Ok(())
    })?;
    Ok(found)
}

/// Reads the terminal `screen` until a line names the server's address, or no more output comes. Returns that line.
fn announcement_on(mut screen: File, server: &Server) -> check::Result<Option<String>> {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let line = text.lines().find(|line| contains_address(line, server.address()));
        let mut interest = [PollFd::new(screen.as_fd(), PollFlags::POLLIN)];
        if line.is_some() || wait(&mut interest, server.deadlines().quiet())? == WaitOutcome::Elapsed {
            return Ok(line.map(str::to_owned));
        }
        let Ok(length @ 1..) = screen.read(&mut buffer) else { return Ok(None) };
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
}

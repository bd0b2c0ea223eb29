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
use crate::transport::{Address, Capabilities};

pub const ANNOUNCES_WHEN_LISTENING: Check = Check {
    id: "life/announces-when-listening",
    level: Should,
    sentence: "the server announces its address only after it listens there",
    why: "a script that connects as soon as it reads the announcement is refused now and then, above all on a busy machine",
    citations: &["listen(2)", "connect(2) (ECONNREFUSED)", "pipe(7)"],
    recipe: "start the server with a full pipe as standard output; when it blocks in write(2), check whether it listens; if not, read what it was about to print, and what it prints once it listens: an address that it prints again then was no announcement before",
    requires: Capabilities::BINDS.union(Capabilities::PORT),
    run: when_listening,
};

pub const ANNOUNCEMENT_FLUSHED: Check = Check {
    id: "life/announcement-flushed",
    level: Should,
    sentence: "the server announces its address on a pipe as it does on a terminal",
    why: "standard output is block-buffered unless it is a terminal, so a launcher that reads a pipe waits for a line that stays in the buffer",
    citations: &["stdout(3)", "setvbuf(3)", "fflush(3)"],
    recipe: "start the server with a pipe as standard output, and serve a client; if no output names its address, do the same with a terminal, and compare; then end the server: if it exits by itself and its output still has no such line, nothing was in the buffer",
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
            let mut reader = File::from(OwnedFd::from(reader));
            let text = first_line(&mut reader, server, &instance)?;
            let (line, rest) = text.split_once('\n').unwrap_or((&text, ""));
            if !names_address_in_use(line, server.address())
                || announces_once_listening(rest.into(), &mut reader, server, &mut instance)?
            {
                return Ok(());
            }
            let wanted = format!("a server that listens before it prints {}", excerpt(line.as_bytes()));
            Err(Finding::fail(wanted, "it prints that, and nothing listens yet"))
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
fn first_line(reader: &mut File, server: &Server, instance: &Instance) -> check::Result<String> {
    let mut text = Vec::new();
    loop {
        let bytes = read_until_quiet(reader, server, instance)?;
        text.extend_from_slice(&bytes);
        if bytes.is_empty() || text.contains(&b'\n') {
            let own = text.iter().position(|&byte| byte != b'.').unwrap_or(text.len());
            return Ok(String::from_utf8_lossy(&text[own..]).into_owned());
        }
    }
}

/// Returns the output that the server prints next; nothing if it prints nothing for a while, or has closed its output.
fn read_until_quiet(reader: &mut File, server: &Server, instance: &Instance) -> check::Result<Vec<u8>> {
    let bytes = read_within(reader, server.deadlines().quiet())?;
    if !bytes.is_empty() {
        return Ok(bytes);
    }
    // On a busy machine its write(2) may not have gone on yet.
    instance.await_reaction(server.deadlines())?;
    read_within(reader, Duration::ZERO)
}

fn read_within(reader: &mut File, limit: Duration) -> check::Result<Vec<u8>> {
    let mut buffer = vec![0; 4096];
    let ready = wait(&mut [PollFd::new(reader.as_fd(), PollFlags::POLLIN)], limit)? == WaitOutcome::Ready;
    let length = if ready { reader.read(&mut buffer).unwrap_or(0) } else { 0 };
    buffer.truncate(length);
    Ok(buffer)
}

/// Whether the server prints its address again once it listens. Then an earlier line was no announcement: the server
/// has printed its configuration, say. `unread` is output that the server may have printed before it listens.
fn announces_once_listening(
    unread: String,
    reader: &mut File,
    server: &Server,
    instance: &mut Instance,
) -> check::Result<bool> {
    let mut unread = unread.into_bytes();
    let (limit, stopwatch) = (server.deadlines().start(), instance.stopwatch(server.deadlines()));
    let listens = stopwatch.wait(limit, |left| {
        until(left, || {
            unread.extend(read_within(reader, Duration::ZERO)?);
            if server.is_ready(instance) {
                return Ok(Some(true));
            }
            // These lines came before the server listens. The last one may have no end yet.
            unread.drain(..unread.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1));
            Ok(instance.ended().map(|_| false))
        })
    })?;
    let names = |output: &[u8]| contains_address(&String::from_utf8_lossy(output), server.address());
    while listens == Some(true) && !names(&unread) {
        let bytes = read_until_quiet(reader, server, instance)?;
        if bytes.is_empty() {
            break;
        }
        unread.extend(bytes);
    }
    Ok(listens == Some(true) && names(&unread))
}

/// Whether `line`, printed before the server listens, says that the server listens at `address`. Other output may come
/// before: that the server has read a file, or that it is about to bind.
fn names_address_in_use(line: &str, address: &Address) -> bool {
    let plans = ["starting", "binding", "opening", "trying", "will ", "initializ", "initialis", "config"];
    let lower = line.to_lowercase();
    contains_address(line, address) && !plans.iter().any(|word| lower.contains(word))
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
        if !may_have_buffered(server)? {
            return Ok(());
        }
        let wanted = format!("{} in a pipe, as on a terminal", excerpt(line.as_bytes()));
        Err(Finding::fail(wanted, "nothing that names its address")
            .because("standard output is not flushed, and in a pipe it is buffered in blocks"))
    })
}

/// Ends the server, which has not printed its address. Returns false if the server then exits by itself and still has
/// not printed it: exit(3) writes what is in the buffer, so nothing was in it, as with a line for people at a terminal.
/// A signal that ends the server discards the buffer.
fn may_have_buffered(server: &mut Server) -> check::Result<bool> {
    let ended = server.stop_and_wait();
    let limit = server.deadlines().reply();
    // The status of a shell whose command a signal has ended is larger than 128.
    let exits = ended.is_ok_and(|status| status.code().is_some_and(|code| code <= 128));
    // Another process may still hold the output.
    server.instance()?.output().wait_closed(limit);
    Ok(!exits || announced(server)?.is_some())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_no_announcement() {
        let address = Address::Inet("127.0.0.1:7007".parse().unwrap());
        for (line, announces) in [
            ("Listening on 127.0.0.1:7007", true),
            ("server started at http://localhost:7007/", true),
            ("Tomcat initialized with port 7007 (http)", false),
            ("config: listen = 127.0.0.1:7007", false),
            ("loaded 2 plug-ins", false),
        ] {
            assert_eq!(names_address_in_use(line, &address), announces, "{line}");
        }
    }
}

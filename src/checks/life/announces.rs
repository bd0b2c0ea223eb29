//! Whoever starts a server waits for its announcement, and then connects.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitStatus;

use nix::poll::{PollFd, PollFlags};

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::announcement::names;
use crate::checks::elsewhere::{serves, under};
use crate::deadline::{Waited, until, wait};
use crate::outcome::Level::Should;
use crate::server::{Instance, LaunchOptions, Server, Stdio, describe, full_pipe, open_pseudo_terminal};
use crate::sys;
use crate::text::excerpt;
use crate::transport::Capabilities;

pub const WHEN_LISTENING: Check = Check {
    id: "life/announces-when-listening",
    level: Should,
    says: "the server announces its address only once it listens there",
    why: "a script that connects when it reads the announcement is refused now and then, on busy machines above all",
    cites: &["listen(2)", "connect(2) (ECONNREFUSED)", "pipe(7)"],
    recipe: "start the server with a full pipe as standard output; when it waits to write there, see whether it listens; if it does not, read what it had to say",
    needs: Capabilities::BINDS.union(Capabilities::PORT),
    run: when_listening,
};

pub const FLUSHED: Check = Check {
    id: "life/announcement-flushed",
    level: Should,
    says: "what the server announces on a terminal it announces in a pipe too",
    why: "standard output is buffered in blocks unless it is a terminal: whoever started the server waits for a line that stays in the buffer",
    cites: &["stdout(3)", "setvbuf(3)", "fflush(3)"],
    recipe: "start the server with a pipe as standard output and serve a client; if nothing names its address, do the same with a terminal and compare",
    needs: Capabilities::MANY_CLIENTS,
    run: flushed,
};

/// What a server that cannot print does first.
enum First {
    Listens,
    Prints,
    Ends(ExitStatus),
}

fn when_listening(server: &mut Server) -> check::Result {
    let (reader, writer) = full_pipe().or_broken("the server with a full pipe")?;
    server.crash();
    let stdio = [Stdio::Piped, Stdio::descriptor(writer), Stdio::Piped];
    let options = LaunchOptions { stdio, ..server.options() };
    let started = server.start_at(server.address(), &options);
    let mut instance = started.or_broken("the server with a full pipe")?;
    match until(server.deadlines().start(), || first(server, &mut instance))? {
        Some(First::Listens) => Ok(()),
        Some(First::Prints) => {
            let text = held_back(OwnedFd::from(reader).into(), server)?;
            not_an_announcement(server, text.lines().next().unwrap_or_default())
        }
        Some(First::Ends(status)) => Err(Finding::broken("the server with a full pipe", describe(status))),
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
        return Ok(Some(First::Ends(status)));
    }
    for process in instance.processes().or_unsupported("whether it waits to print")? {
        if sys::is_blocked_writing_pipe(process.pid)
            .or_else(gone)
            .or_unsupported("whether it waits to print")?
        {
            // It waits, and so does nothing else: had it listened by now, that would show.
            let listens = server.is_ready(instance);
            return Ok(Some(if listens { First::Listens } else { First::Prints }));
        }
    }
    Ok(None)
}

fn gone(error: std::io::Error) -> std::io::Result<bool> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(false) } else { Err(error) }
}

/// The first line that did not fit into the pipe. What follows it may have been written later.
fn held_back(mut reader: File, server: &Server) -> check::Result<String> {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let mut interest = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
        let waited = wait(&mut interest, server.deadlines().quiet())?;
        let length = if waited == Waited::Ready { reader.read(&mut buffer).unwrap_or(0) } else { 0 };
        text.extend_from_slice(&buffer[..length]);
        if length == 0 || text.contains(&b'\n') {
            let own = text.iter().position(|&byte| byte != b'.').unwrap_or(text.len());
            return Ok(String::from_utf8_lossy(&text[own..]).into_owned());
        }
    }
}

/// Something else may well be said before: that a file has been read, or what is about to be tried.
fn not_an_announcement(server: &Server, line: &str) -> check::Result {
    let intention = ["starting", "binding", "opening", "trying", "will "];
    let lower = line.to_lowercase();
    if !names(line, server.address()) || intention.iter().any(|word| lower.contains(word)) {
        return Ok(());
    }
    let wanted = format!("a server that listens before it says {}", excerpt(line.as_bytes()));
    Err(Finding::fail(wanted, "it is about to say so, and nothing listens yet"))
}

fn flushed(server: &mut Server) -> check::Result {
    let options = server.options();
    under(server, options, "with a pipe as standard output", |server| {
        serves(server, 1)?;
        if until(server.deadlines().quiet(), || announced(server))?.is_some() {
            return Ok(());
        }
        let Some(line) = on_a_terminal(server)? else { return Ok(()) };
        // By now it has had more time than on the terminal.
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
    Ok(names(&text, server.address()).then_some(()))
}

/// The line that names its address, if it prints one on a terminal.
fn on_a_terminal(server: &Server) -> check::Result<Option<String>> {
    let (screen, theirs) = open_pseudo_terminal().or_broken("a terminal")?;
    let stdio = [Stdio::Piped, Stdio::descriptor(theirs), Stdio::Piped];
    let options = LaunchOptions { stdio, ..server.options() };
    let mut found = None;
    under(server, options, "with a terminal as standard output", |server| {
        serves(server, 1)?;
        found = shown(File::from(screen), server)?;
        Ok(())
    })?;
    Ok(found)
}

/// What is on `screen` once nothing more comes, or the address has.
fn shown(mut screen: File, server: &Server) -> check::Result<Option<String>> {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let line = text.lines().find(|line| names(line, server.address()));
        let mut interest = [PollFd::new(screen.as_fd(), PollFlags::POLLIN)];
        if line.is_some() || wait(&mut interest, server.deadlines().quiet())? == Waited::Elapsed {
            return Ok(line.map(str::to_owned));
        }
        let Ok(length @ 1..) = screen.read(&mut buffer) else { return Ok(None) };
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
}

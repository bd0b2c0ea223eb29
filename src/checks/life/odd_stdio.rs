//! What a server may find, or not find, as its standard descriptors.

use std::fs::File;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags};

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::elsewhere::{serves, under};
use crate::deadline::wait;
use crate::outcome::{Level::Should, Outcome};
use crate::server::{LaunchOptions, Server, Stdio};
use crate::sys;
use crate::transport::Capabilities;

pub const CLOSED: Check = Check {
    id: "life/closed-stdio",
    level: Should,
    says: "a server that is started with nothing to read, or without standard input, output or error, serves, and keeps its log to itself",
    why: "the next descriptor that is opened gets the free number: descriptor 0 is no error, and a client that is descriptor 1 reads the log",
    cites: &["exec(3p)", "open(2)", "stdin(3)", "daemon(7)"],
    recipe: "start the server with /dev/null as descriptor 0, with 0 closed, 1 closed, 2 closed, all three closed; each time 3 clients, one after another, get their bytes and nothing else",
    needs: Capabilities::MANY_CLIENTS,
    run: closed,
};

pub const UNWRITABLE: Check = Check {
    id: "life/unwritable-stdout",
    level: Should,
    says: "a server whose log cannot be written serves on",
    why: "a full disk or a log reader that has gone takes the service down with it if a failed write, or SIGPIPE, ends the server",
    cites: &["write(2) (EPIPE, ENOSPC)", "signal(7) (SIGPIPE)", "full(4)"],
    recipe: "start the server with a pipe as descriptor 1, serve a client, close the pipe's read end; start it with /dev/full as 1 and 2; each time 3 clients, one after another, get their bytes and nothing else; death by SIGPIPE, or before the first client is served, is only told",
    needs: Capabilities::MANY_CLIENTS,
    run: unwritable,
};

fn closed(server: &mut Server) -> check::Result {
    // Where the system does not list processes, a server without standard output cannot tell that it is ready.
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
    reader_goes(server)?;
    // Not every system has this device.
    let Ok(full) = File::options().write(true).open("/dev/full") else { return Ok(()) };
    let full = Stdio::descriptor(full);
    let stdio = [Stdio::Piped, full.clone(), full];
    let mut has_served = false;
    let told = under(
        server,
        LaunchOptions { stdio, ..server.options() },
        "with /dev/full as standard output and error",
        |server| {
            serves(server, 1)?;
            has_served = true;
            serves(server, 2)
        },
    );
    // To give up on an announcement that cannot be made is a way of starting; to end the service later is not.
    told.map_err(|finding| if has_served { finding } else { habit(finding) })
}

/// Whoever started the server reads its announcement, and then no more.
fn reader_goes(server: &Server) -> check::Result {
    let (reader, writer) = os_pipe::pipe().or_broken("a pipe")?;
    let stdio = [Stdio::Piped, Stdio::descriptor(writer), Stdio::Piped];
    let options = LaunchOptions { stdio, ..server.options() };
    under(server, options, "whose standard output is read no more", |server| {
        serves(server, 1)?;
        // To write an announcement that nobody hears is not the fault looked for.
        wait(&mut [PollFd::new(reader.as_fd(), PollFlags::POLLIN)], server.deadlines().quiet())?;
        sys::between_launches(|| drop(reader));
        serves(server, 3)
    })
    .map_err(excuse_sigpipe)
}

fn serves_with(server: &Server, stdio: [Stdio; 3], when: &str) -> check::Result {
    let told = under(server, LaunchOptions { stdio, ..server.options() }, when, |server| serves(server, 3));
    told.map_err(excuse_sigpipe)
}

/// Death by SIGPIPE is what signal(7) has in store for whoever prints to nobody, and many leave it at that.
fn excuse_sigpipe(finding: Finding) -> Finding {
    let died = [&finding.actual, &finding.reason].iter().any(|text| text.contains("(SIGPIPE)"));
    if died { habit(finding) } else { finding }
}

/// Worth knowing, and no fault.
fn habit(finding: Finding) -> Finding {
    match finding.outcome.is_failure() {
        true => Finding { outcome: Outcome::Info, ..finding },
        false => finding,
    }
}

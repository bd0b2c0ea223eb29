//! Checks that signals end a server on standard input and output.

use nix::sys::signal::Signal;

use crate::check::{self, OrFinding};
use crate::checks::Check;
use crate::checks::conversation::{ON_STDIO, ask_without_reading, begin, expect_end};
use crate::outcome::Level::Should;
use crate::server::Server;

pub const SIGINT: Check = Check {
    id: "stdio/ends-on-sigint",
    level: Should,
    sentence: "SIGINT ends the server and everything that it started",
    why: "a terminal sends SIGINT to the whole process group; a server that ignores it stays when its client has gone",
    citations: &["signal(7)", "termios(3) (VINTR)"],
    recipe: "exchange a message; send SIGINT to the server; wait for its exit and that of its children",
    requires: ON_STDIO,
    run: sigint,
};

pub const AT_WORK: Check = Check {
    id: "stdio/ends-while-at-work",
    level: Should,
    sentence: "SIGTERM and SIGINT end the server, also while it works on requests",
    why: "a client whose request takes too long sends SIGTERM; a server that loses the signal then has to be killed, and leaves its children behind",
    citations: &["signal(7)", "MCP 2025-06-18, Lifecycle, Shutdown, stdio (SIGTERM, then SIGKILL)"],
    recipe: "send requests until the server waits for room in its output; send SIGTERM; read its output, and wait for its exit and that of its children; do the same with SIGINT",
    requires: ON_STDIO,
    run: at_work,
};

fn sigint(server: &mut Server) -> check::Result {
    let mut client = begin(server)?;
    send(server, Signal::SIGINT)?;
    expect_end(server, Some(&mut client), "SIGINT").map(drop)
}

fn at_work(server: &mut Server) -> check::Result {
    for (signal, after) in [
        (Signal::SIGTERM, "SIGTERM, which came while it answered requests"),
        (Signal::SIGINT, "SIGINT, which came while it answered requests"),
    ] {
        let mut client = begin(server)?.pipelining();
        ask_without_reading(server, &mut client)?;
        // It waits for room again after the last part of the requests.
        server.await_reaction()?;
        send(server, signal)?;
        // While its output is full the server is at work. The signal must reach it before the client reads.
        server.await_reaction()?;
        expect_end(server, Some(&mut client), after)?;
    }
    Ok(())
}

fn send(server: &mut Server, signal: Signal) -> check::Result {
    server.instance()?.signal(signal).or_broken(format!("{signal} sent"))
}

//! Checks how a server on pipes exits: when its output has no reader, and at end of file.

use std::process::ExitStatus;

use nix::sys::signal::Signal;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::steps::check_launched_with;
use crate::outcome::{Level::Should, Outcome};
use crate::server::{LaunchOptions, Server, describe_exit};
use crate::transport::Capabilities;

pub const ENDS_AT_EPIPE: Check = Check {
    id: "life/ends-at-epipe",
    level: Should,
    sentence: "a server whose output has no reader any more exits, by SIGPIPE or by itself",
    why: "a server that ignores EPIPE never exits, and `server | head -1` never returns",
    citations: &["pipe(7)", "write(2) (EPIPE)", "signal(7) (SIGPIPE)"],
    recipe: "close the read end of the server's output; send lines until it exits; do the same with SIGPIPE ignored at its start",
    requires: Capabilities::PIPES,
    run: at_epipe,
};

pub const STATUS_AT_EOF: Check = Check {
    id: "life/status-at-eof",
    level: Should,
    sentence: "a server that has echoed everything up to end of file exits with status 0",
    why: "a shell with `set -o pipefail`, make and CI jobs take any other status for a failure",
    citations: &["exit(3)", "cat(1p) (EXIT STATUS)"],
    recipe: "send a line; close the server's standard input; expect the line and end of file; read the exit status",
    requires: Capabilities::PIPES.union(Capabilities::ECHO),
    run: status,
};

fn at_epipe(server: &mut Server) -> check::Result {
    exits_without_reader(server)?;
    let options = LaunchOptions { ignored: &[Signal::SIGPIPE], ..server.options() };
    check_launched_with(server, options, "with SIGPIPE ignored at its start", exits_without_reader)
}

fn exits_without_reader(server: &mut Server) -> check::Result {
    // Enough to fill the buffer of a server that writes in blocks.
    let lines = b"this line has no reader\n".repeat(100);
    let mut client = server.connect()?;
    client.complete_opening()?;
    client.close_read_side()?;
    let limit = server.deadlines().exit();
    let ended = server.until(limit, |server| {
        match client.send(&lines) {
            // The server no longer reads: it has exited, or is about to.
            Err(finding) if finding.outcome == Outcome::Fail => {}
            other => other?,
        }
        Ok(server.instance()?.ended())
    })?;
    ended.map(drop).ok_or_else(|| {
        let actual = format!("it is still reading after {} s", limit.as_secs_f64());
        Finding::timeout("an exit at EPIPE", actual).because("it ignores the error of write(2)")
    })
}

fn status(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    // A filter may keep its output until end of file. The line ends in a newline, since a filter may add a missing one.
    client.send(b"the last words\n")?;
    client.shut_down_write()?;
    client.expect(b"the last words\n")?;
    client.expect_eof()?;
    let limit = server.deadlines().exit();
    match server.wait_for_exit(limit)? {
        Some(status) if !status.success() => Err(failed(status)),
        // fd/eof-ends-it reports a server that does not exit.
        _ => Ok(()),
    }
}

fn failed(status: ExitStatus) -> Finding {
    Finding::fail("status 0 at end of file, with every byte echoed", describe_exit(status))
}

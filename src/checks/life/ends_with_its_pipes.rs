//! A filter ends when nobody reads it any more, and says how it went.

use std::process::ExitStatus;

use nix::sys::signal::Signal;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::elsewhere::under;
use crate::deadline::until;
use crate::outcome::{Level::Should, Outcome};
use crate::server::{LaunchOptions, Server, describe};
use crate::transport::Capabilities;

pub const AT_EPIPE: Check = Check {
    id: "life/ends-at-epipe",
    level: Should,
    says: "a server whose output nobody reads any more ends, by SIGPIPE or by itself",
    why: "one that ignores EPIPE goes on for ever, and `server | head -1` never returns",
    cites: &["pipe(7)", "write(2) (EPIPE)", "signal(7) (SIGPIPE)"],
    recipe: "close the read end of its output, feed it lines until it ends; again with SIGPIPE ignored at its start",
    needs: Capabilities::STDIO,
    run: at_epipe,
};

pub const STATUS: Check = Check {
    id: "life/status-at-eof",
    level: Should,
    says: "a server that has echoed everything to the end of its input ends with status 0",
    why: "a shell with `set -o pipefail`, and every make and CI job, takes another status for a failure",
    cites: &["exit(3)", "cat(1p) (EXIT STATUS)"],
    recipe: "send a line, close the server's standard input, expect the line and end of file, look at the exit status",
    needs: Capabilities::STDIO,
    run: status,
};

fn at_epipe(server: &mut Server) -> check::Result {
    ends_unread(server)?;
    let options = LaunchOptions { ignored: &[Signal::SIGPIPE], ..server.options() };
    under(server, options, "with SIGPIPE ignored at its start", ends_unread)
}

fn ends_unread(server: &mut Server) -> check::Result {
    // Long enough for those that buffer their output in blocks.
    let lines = b"nobody reads this line\n".repeat(100);
    let mut client = server.connect()?;
    client.close_read_side()?;
    let limit = server.deadlines().exit();
    let ended = until(limit, || {
        match client.send(&lines) {
            // It no longer reads: gone, or about to go.
            Err(finding) if finding.outcome == Outcome::Fail => {}
            other => other?,
        }
        Ok(server.instance()?.ended())
    })?;
    ended.map(drop).ok_or_else(|| {
        let actual = format!("it goes on reading after {} s", limit.as_secs_f64());
        Finding::timeout("an end at EPIPE", actual).because("the failure of write(2) is ignored")
    })
}

fn status(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    // Filters that gather lines or blocks tell all they have at the end, and add no newline to this one.
    client.send(b"the last words\n")?;
    client.shut_down_write()?;
    client.expect(b"the last words\n")?;
    client.expect_eof()?;
    let limit = server.deadlines().exit();
    match server.instance()?.wait(limit) {
        Some(status) if !status.success() => Err(failed(status)),
        // fd/eof-ends-it tells of one that lives on.
        _ => Ok(()),
    }
}

fn failed(status: ExitStatus) -> Finding {
    Finding::fail("status 0 at end of file, with every byte echoed", describe(status))
}

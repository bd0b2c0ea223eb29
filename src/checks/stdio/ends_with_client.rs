//! Checks that a server ends when its client has gone.

use crate::check;
use crate::check::{Finding, OrFinding};
use crate::checks::Check;
use crate::checks::conversation::{
    ON_STDIO, WITH_END_OF_INPUT, ask_without_reading, begin, expect_end, ignoring_sigpipe, launch_again,
};
use crate::outcome::Level::Should;
use crate::server::{Instance, Server};
use crate::sys;
use crate::transport::{Capabilities, Client};

pub const CLOSED: Check = Check {
    id: "stdio/ends-with-client",
    level: Should,
    sentence: "a server whose client closes its ends of standard input and output at once exits, with every process that it started, whatever it was doing",
    why: "a client that crashes closes nothing in order; its server is then left behind, one more after each crash",
    citations: &[
        "pipe(7)",
        "write(2) (EPIPE)",
        "signal(7) (SIGPIPE)",
        "unix(7)",
        "MCP 2025-06-18, Lifecycle, Shutdown, stdio",
    ],
    recipe: "exchange a message, and close both pipes, or the socket that stands for both; send requests until the server waits for room in its output, and close both pipes; do that again with SIGPIPE ignored at its start; each time wait for its exit and that of its children. A server on a terminal is not asked: SIGHUP tells it, but only if that is its controlling terminal",
    requires: WITH_END_OF_INPUT,
    run: closed,
};

pub const KILLED: Check = Check {
    id: "stdio/ends-with-client-process",
    level: Should,
    sentence: "a server that was told its client's process id exits when that process has ended, although its pipes are open",
    why: "a child of the client may have inherited the pipes, so that the server never reads end of file, and is left behind",
    citations: &[
        "LSP 3.17, Initialize Request, processId (\"If the parent process is not alive then the server should exit\")",
        "fork(2)",
        "kill(2)",
    ],
    recipe: "start another process; name it in the opening of the protocol; exchange a message; kill that process; wait for the server's exit. Only protocols whose opening has `{pid}`",
    requires: ON_STDIO,
    run: killed,
};

fn closed(server: &mut Server) -> check::Result {
    let closed = close_of(server);
    let client = begin(server)?;
    close(client);
    expect_end(server, None, closed)?;
    at_work(server, &format!("{closed} while it answered"))?;
    let options = ignoring_sigpipe(server);
    let mut other = launch_again(server, options)?;
    at_work(&mut other, &format!("{closed} while it answered, with SIGPIPE ignored at its start"))
}

/// Says what the client closes.
fn close_of(server: &Server) -> &'static str {
    if server.spec().capabilities().contains(Capabilities::PIPES) {
        "both pipes were closed"
    } else {
        "the client's socket was closed"
    }
}

fn at_work(server: &mut Server, after: &str) -> check::Result {
    let mut client = begin(server)?.pipelining();
    ask_without_reading(server, &mut client)?;
    close(client);
    expect_end(server, None, after).map(drop)
}

/// Closes the client's ends of the connection to the server, so that no process which is launched at this moment inherits
/// them.
fn close(client: Client) {
    sys::between_launches(|| drop(client));
}

fn killed(server: &mut Server) -> check::Result {
    let stands_in = ["sleep", "3600"].map(Into::into);
    let process = Instance::start(stands_in, [None, None, None]);
    let mut process = process.or_broken("a process that stands for the client")?;
    let pid = u32::try_from(process.pid().as_raw()).unwrap_or_default();
    let Some(protocol) = server.spec().protocol().naming_process(pid) else {
        let reason =
            "the protocol does not tell the server its client's process id, or a setting has replaced it";
        return Err(Finding::unsupported("", "").because(reason));
    };
    let mut client = server.connect_speaking(protocol)?;
    client.exchange(b"here")?;
    process.kill();
    drop(process);
    // A server that looks for the process every few seconds needs as long.
    let first = expect_end(server, Some(&mut client), "the end of the client's process");
    first.or_else(|_| expect_end(server, Some(&mut client), "the end of the client's process")).map(drop)
}

//! Checks a server whose standard input and output are sockets.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::steps::last_line_printed;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::transport::{Capabilities, Client, Link};

pub const CHECK: Check = Check {
    id: "stdio/input-from-socket",
    level: Should,
    sentence: "a server whose standard input and output are Unix sockets answers, and exits at the end of its input",
    why: "Node.js gives its child processes Unix sockets where other programs give pipes, so a server that takes only pipes does not run in an editor that is written in it",
    citations: &["socketpair(2)", "unix(7)", "read(2)", "uv_spawn of libuv (UV_CREATE_PIPE)"],
    recipe: "start the server with one end of a socketpair(2) as standard input and one end of another as standard output; exchange a message; close the client's end of the first; wait for the exit. An exit that a server with pipes owes, too, is not judged",
    requires: Capabilities::PIPES,
    run,
};

const CAUSE: &str = "its standard input and output are Unix sockets, as those of a child process of Node.js";

fn run(server: &mut Server) -> check::Result {
    let client = connect(server)?;
    let ended = exchange(client).map_err(|finding| {
        let finding = server.diagnose(finding.because(CAUSE));
        finding.because(last_line_printed(server))
    });
    ended?;
    if exits(server)? {
        return Ok(());
    }
    server.instance()?.kill();
    let usual = server.connect()?;
    exchange(usual)?;
    if !exits(server)? {
        let wanted = "a server that exits at the end of a pipe";
        return Err(Finding::unsupported(wanted, "it lives on after the end of a pipe, too"));
    }
    let waited = server.deadlines().exit().as_secs_f64();
    Err(Finding::timeout("an exit at the end of its input", format!("alive after {waited} s"))
        .because(CAUSE)
        .because("with pipes it exits"))
}

/// Launches the server on two pairs of sockets.
fn connect(server: &mut Server) -> check::Result<Client> {
    let (to, input) = UnixStream::pair().or_broken("a pair of sockets")?;
    let (from, output) = UnixStream::pair().or_broken("a pair of sockets")?;
    let file = |socket: UnixStream| File::from(OwnedFd::from(socket));
    let link = Link::pipes(file(to), file(from)).or_broken("a client's end")?;
    let client = server.client_over(link);
    server.launch_for(client, input, output)
}

/// Exchanges a message, and ends the server's input.
fn exchange(mut client: Client) -> check::Result {
    if client.is_of_echo() {
        client.send_and_collect(b"through sockets\n")?;
        return client.finish();
    }
    client.exchange(b"through sockets")?;
    client.shut_down_write()?;
    // The rest of the output is the subject of other checks.
    drop(client.receive_to_end());
    Ok(())
}

fn exits(server: &mut Server) -> check::Result<bool> {
    let limit = server.deadlines().exit();
    Ok(server.wait_for_exit(limit)?.is_some())
}

//! Checks that a process which was made for one client exits when the client has gone.

use nix::sys::signal::Signal;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::steps::{check_launched_with, connect_and_fill};
use crate::outcome::Level::Should;
use crate::server::{LaunchOptions, Server};
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/ends-with-its-client",
    level: Should,
    sentence: "a process that was started for one client exits when that client has gone, even if it still had something to write",
    why: "a process that tries again after EPIPE or ECONNRESET never exits, and uses a whole processor; one is left for each client that goes early",
    citations: &["inetd(8)", "write(2) (EPIPE)", "signal(7) (SIGPIPE)", "tcp(7) (ECONNRESET)"],
    recipe: "start the server on a connection; send without reading until it takes no more; reset the connection; the process must exit; do the same with SIGPIPE ignored at its start, and a client that closes",
    requires: Capabilities::PASSED_CONNECTION.union(Capabilities::STREAM).union(Capabilities::FILLABLE),
    run,
};

fn run(server: &mut Server) -> check::Result {
    exits_after(server, true)?;
    let options = LaunchOptions { ignored: &[Signal::SIGPIPE], ..server.options() };
    check_launched_with(server, options, "with SIGPIPE ignored at its start", |server| {
        exits_after(server, false)
    })
}

fn exits_after(server: &mut Server, resets: bool) -> check::Result {
    let (client, _) = connect_and_fill(server)?;
    if resets {
        client.reset()?;
    } else {
        drop(client);
    }
    let limit = server.deadlines().exit();
    if server.wait_for_exit(limit)?.is_some() {
        return Ok(());
    }
    let used = server.cpu_use(server.deadlines().quiet()).map(|cpu_use| format!(", and uses {cpu_use}"));
    let actual = format!("alive after {} s{}", limit.as_secs_f64(), used.unwrap_or_default());
    let spins = "its client has gone: a write that fails with EPIPE or ECONNRESET will not succeed later";
    Err(Finding::timeout("the exit of a process whose client has gone", actual).because(spins))
}

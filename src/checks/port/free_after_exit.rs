//! Checks that the port is released when the server's main process is killed.

use nix::sys::signal::Signal;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::processes::{pid_and_name, sockets_at_address};
use crate::outcome::{Level::Should, Outcome};
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "port/free-after-exit",
    level: Should,
    sentence: "after the server's main process has exited, its port is free, even while a client is still connected",
    why: "a child that inherited the listener keeps the port in use: the server cannot restart, and new clients wait in a queue without a reader",
    citations: &["fork(2)", "close(2)", "bind(2)"],
    recipe: "connect and exchange a message; SIGKILL the main process alone; connect again: the connection is refused, or a worker answers",
    requires: Capabilities::TCP.union(Capabilities::BINDS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let _client = server.connect_and_hold()?;
    server.signal_and_wait(Signal::SIGKILL)?;
    server.await_release();
    // Workers forked before the clients came hold the listener on purpose, and keep serving.
    if refuses(server) || server.serves_concurrently().unwrap_or(false) {
        return Ok(());
    }
    Err(Finding::fail(format!("connections to {} refused", server.address()), holder(server)))
}

fn refuses(server: &mut Server) -> bool {
    server.connect().is_err_and(|finding| finding.outcome == Outcome::Fail)
}

fn holder(server: &Server) -> String {
    for process in server.processes().unwrap_or_default() {
        let sockets = sockets_at_address(server, process.pid).unwrap_or_default();
        if let Some((_, listener)) = sockets.iter().find(|(_, socket)| socket.listening) {
            return format!("{listener} is still held by its child {}", pid_and_name(&process));
        }
    }
    "connections are accepted, but not answered".into()
}

//! With the server its port is gone.

use nix::sys::signal::Signal;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::holders::{called, server_sockets};
use crate::outcome::{Level::Should, Outcome};
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "port/free-after-exit",
    level: Should,
    says: "once the server's main process has gone, its port is free, even while a client is still connected",
    why: "a child that inherited the listener keeps the port taken: no restart, and clients queue up for nobody",
    cites: &["fork(2)", "close(2)", "bind(2)"],
    recipe: "connect and exchange, SIGKILL the main process alone, then connect again: refused, or else answered by a worker",
    needs: Capabilities::TCP.union(Capabilities::BINDS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    client.exchange(b"connected")?;
    server.signal_and_wait(Signal::SIGKILL)?;
    server.await_release();
    // Workers that were forked beforehand and go on serving hold the listener by design.
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
        let sockets = server_sockets(server, process.pid).unwrap_or_default();
        if let Some((_, listener)) = sockets.iter().find(|(_, socket)| socket.listening) {
            return format!("{listener} is still held by its child {}", called(&process));
        }
    }
    "connections are taken, and nobody answers".into()
}

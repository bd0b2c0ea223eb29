//! Checks that a child made for one client closes the connections of other clients.

use std::collections::HashSet;

use crate::check;
use crate::checks::Check;
use crate::checks::processes::{new_processes, sockets_at_address, unexpected_descriptor};
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::sys::Process;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "fd/child-holds-no-sibling",
    level: Should,
    sentence: "a process made for one client does not hold another client's connection",
    why: "the kernel sends FIN only when every process has closed the connection, so the other client waits for an end of file that does not come",
    citations: &["fork(2)", "close(2)", "accept(2)"],
    recipe: "connect A, then B; note which processes are new after each; no process of B holds a socket of A",
    requires: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS).union(Capabilities::PROCESSES),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let idle = server.processes()?;
    let _a = server.connect_and_hold()?;
    let with_a = server.processes()?;
    let connections = connections_of(server, &new_processes(server, &idle)?)?;
    if connections.is_empty() {
        return Ok(()); // The server makes no process for a client.
    }
    let _b = server.connect_and_hold()?;
    for process in new_processes(server, &with_a)? {
        for (descriptor, socket) in sockets_at_address(server, process.pid)? {
            if connections.contains(&socket.id) {
                return Err(unexpected_descriptor(&process, "only its own client's connection", &descriptor));
            }
        }
    }
    Ok(())
}

/// Returns the identifiers of the connections that `processes` of the server hold.
fn connections_of(server: &Server, processes: &[Process]) -> check::Result<HashSet<u64>> {
    let mut held = HashSet::new();
    for process in processes {
        let sockets = sockets_at_address(server, process.pid)?;
        held.extend(sockets.iter().filter(|(_, socket)| !socket.listening).map(|(_, socket)| socket.id));
    }
    Ok(held)
}

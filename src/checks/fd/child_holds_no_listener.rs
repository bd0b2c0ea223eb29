//! Checks that a child made for one client closes the listening socket.

use std::time::Instant;

use crate::check;
use crate::checks::Check;
use crate::checks::processes::{new_processes, sockets_at_address, unexpected_descriptor};
use crate::checks::steps::wait_until_stable;
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::sys::{self, Process};
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "fd/child-holds-no-listener",
    level: Should,
    sentence: "a process made for one client does not hold the listening socket",
    why: "if the parent crashes, the port stays in use, and the kernel queues new clients that no process accepts",
    citations: &["fork(2)", "close(2)", "PEP 446"],
    recipe: "serve one client; note the server's processes; connect and exchange a message; list the descriptors of the processes that are new and that exit with their client",
    requires: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS).union(Capabilities::PROCESSES),
    run,
};

fn run(server: &mut Server) -> check::Result {
    server.connect_and_exchange()?.finish()?;
    let before = wait_until_stable(server, || server.processes())?;
    let mut client = server.connect_and_hold()?;
    let mut holders = Vec::new();
    for process in new_processes(server, &before)? {
        let sockets = sockets_at_address(server, process.pid)?;
        let listener = sockets.into_iter().find(|(_, socket)| socket.listening);
        holders.extend(listener.map(|(descriptor, _)| (process, descriptor)));
    }
    client.finish()?;
    drop(client);
    for (process, descriptor) in holders {
        // A process that stays after its client has gone is a worker, which accepts clients itself.
        if exits(server, &process)? {
            return Err(unexpected_descriptor(
                &process,
                "no listening socket in a process made for one client",
                &descriptor,
            ));
        }
    }
    Ok(())
}

/// Waits for the exit of `process`. One that waits for something for as long as a reply may take stays.
fn exits(server: &Server, process: &Process) -> check::Result<bool> {
    let limit = server.deadlines().reply();
    let mut since = Instant::now();
    let exited = until(server.deadlines().exit(), || {
        if server.processes()?.iter().all(|other| other.pid != process.pid) {
            return Ok(Some(true));
        }
        if sys::all_threads_blocked(process.pid) == Some(false) {
            since = Instant::now();
        }
        Ok((since.elapsed() >= limit).then_some(false))
    })?;
    Ok(exited.unwrap_or(false))
}

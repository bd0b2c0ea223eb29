//! A child for one client has no business with the next.

use crate::checks::holders::{holds, newcomers, server_sockets};
use crate::checks::{Check, talk};
use crate::server::Server;
use crate::transport::Needs;
use crate::verdict::{Level::Should, Verdict};

pub const CHECK: Check = Check {
    id: "fd/child-holds-no-listener",
    level: Should,
    says: "a process made for one client does not hold the listening socket",
    why: "after a crash of the parent the port stays taken, and clients connect to a queue that nobody accepts from",
    cites: &["fork(2)", "close(2)", "PEP 446"],
    recipe: "note the server's processes, connect and exchange, list the descriptors of those that are new",
    needs: Needs::CONNECTIONS.union(Needs::MANY_CLIENTS),
    run,
};

fn run(server: &mut Server) -> Verdict {
    let before = server.processes()?;
    let _client = talk::answered(server)?;
    for process in newcomers(server, &before)? {
        for (descriptor, socket) in server_sockets(server, process.pid)? {
            if socket.listening {
                return Err(holds(
                    &process,
                    "no listening socket in a process made for one client",
                    &descriptor,
                ));
            }
        }
    }
    Ok(())
}

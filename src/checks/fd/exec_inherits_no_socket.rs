//! What survives an exec unasked.

use std::collections::HashSet;

use crate::check;
use crate::checks::holders::{holds, newcomers, server_sockets};
use crate::checks::{Check, talk};
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::sys::{self, Process};
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "fd/exec-inherits-no-socket",
    level: Should,
    says: "another program that the server executes holds none of its sockets, but for its own client as 0, 1 or 2",
    why: "a descriptor without close-on-exec lives on in programs that know nothing of it, and keeps ports and connections open",
    cites: &["execve(2)", "fcntl(2) (FD_CLOEXEC)", "open(2) (O_CLOEXEC)"],
    recipe: "connect and exchange; among the processes this has brought, list the descriptors of those that run another program",
    needs: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let before = server.processes()?;
    let _client = talk::answered(server)?;
    // A wrapper that started the server is a program of its own, and the server's forks run the server's.
    let own: HashSet<_> = before.iter().filter_map(|process| sys::program(process.pid)).collect();
    let foreign =
        |process: &Process| sys::program(process.pid).is_some_and(|program| !own.contains(&program));
    let executed = newcomers(server, &before)?.into_iter().filter(foreign);
    for process in executed {
        for (descriptor, _) in server_sockets(server, process.pid)? {
            if descriptor.number > 2 {
                return Err(holds(&process, "no socket of the server's above descriptor 2", &descriptor));
            }
        }
    }
    Ok(())
}

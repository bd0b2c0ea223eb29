//! Checks that the server's sockets are close-on-exec.

use std::collections::HashSet;

use crate::check;
use crate::checks::Check;
use crate::checks::processes::{new_processes, sockets_at_address, unexpected_descriptor};
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::sys::{self, Process};
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "fd/exec-inherits-no-socket",
    level: Should,
    sentence: "another program that the server executes holds no socket of the server, except its own client's as descriptor 0, 1 or 2",
    why: "a descriptor without close-on-exec stays open in a program that does not know of it, and keeps ports and connections in use",
    citations: &["execve(2)", "fcntl(2) (FD_CLOEXEC)", "open(2) (O_CLOEXEC)"],
    recipe: "connect and exchange a message; find the new processes that run another program; list their descriptors",
    requires: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS).union(Capabilities::PROCESSES),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let before = server.processes()?;
    let _client = server.connect_and_hold()?;
    // The server's own programs: that of a wrapper which started the server, and that of the server and its forks.
    let own: HashSet<_> = before.iter().filter_map(|process| sys::executable(process.pid)).collect();
    let foreign =
        |process: &Process| sys::executable(process.pid).is_some_and(|program| !own.contains(&program));
    let executed = new_processes(server, &before)?.into_iter().filter(foreign);
    for process in executed {
        for (descriptor, _) in sockets_at_address(server, process.pid)? {
            if descriptor.number > 2 {
                return Err(unexpected_descriptor(
                    &process,
                    "no socket of the server above descriptor 2",
                    &descriptor,
                ));
            }
        }
    }
    Ok(())
}

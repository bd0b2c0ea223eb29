//! What survives an exec unasked.

use crate::checks::holders::{holds, newcomers, server_sockets};
use crate::checks::{Check, talk};
use crate::os;
use crate::server::Server;
use crate::transport::Needs;
use crate::verdict::{Level::Should, Verdict};

pub const CHECK: Check = Check {
    id: "fd/exec-inherits-no-socket",
    level: Should,
    says: "another program that the server executes holds none of its sockets, but for its own client as 0, 1 or 2",
    why: "a descriptor without close-on-exec lives on in programs that know nothing of it, and keeps ports and connections open",
    cites: &["execve(2)", "fcntl(2) (FD_CLOEXEC)", "open(2) (O_CLOEXEC)"],
    recipe: "connect and exchange; among the processes this has brought, list the descriptors of those that run another program",
    needs: Needs::CONNECTIONS.union(Needs::MANY_CLIENTS),
    run,
};

fn run(server: &mut Server) -> Verdict {
    let before = server.processes()?;
    let _client = talk::answered(server)?;
    let own = os::program(server.pid()?);
    let executed = newcomers(server, &before)?.into_iter().filter(|process| os::program(process.pid) != own);
    for process in executed {
        for (descriptor, _) in server_sockets(server, process.pid)? {
            if descriptor.number > 2 {
                return Err(holds(&process, "no socket of the server's above descriptor 2", &descriptor));
            }
        }
    }
    Ok(())
}

//! A program starts with exactly what its launcher gave it.

use std::os::fd::AsRawFd;

use nix::unistd::Pid;

use crate::checks::Check;
use crate::checks::holders::holds;
use crate::os::{Descriptor, Object};
use crate::server::{Server, Start};
use crate::transport::Needs;
use crate::verdict::{Finding, Level::Should, Verdict};

pub const CHECK: Check = Check {
    id: "fd/starts-clean",
    level: Should,
    says: "the server holds the three standard descriptors it was given, none turned into a socket, and nothing of its launcher's",
    why: "a socket in the place of descriptor 1 or 2 receives every log line; a stranger's pipe or listener is kept open by mistake",
    cites: &["execve(2)", "fcntl(2) (FD_CLOEXEC)", "daemon(3)"],
    recipe: "hold a pipe as a canary, launch the server, list the descriptors of its processes",
    needs: Needs::empty(),
    run,
};

fn run(server: &mut Server) -> Verdict {
    let canary = os_pipe::pipe().map_err(|error| Finding::broken("a canary", error.to_string()))?;
    let id = object_of(server, canary.0.as_raw_fd())?;
    let _client = launch_again(server)?;
    let passed = server.spec().start() == Start::Inetd;
    for process in server.processes()? {
        for descriptor in server.descriptors(process.pid)? {
            if descriptor.object == id {
                return Err(holds(&process, "none of the launcher's own descriptors", &descriptor));
            }
            let socket = matches!(descriptor.object, Object::Socket(_));
            if descriptor.number <= 2 && socket && !passed {
                return Err(holds(&process, "no socket as descriptor 0, 1 or 2", &descriptor));
            }
        }
    }
    Ok(())
}

/// Only a server launched after the canary was made could have inherited it.
fn launch_again(server: &mut Server) -> Verdict<Option<crate::transport::Client>> {
    if server.spec().offers().contains(Needs::MANY_CLIENTS) {
        server.restart().map_err(|error| Finding::broken("the server launched again", error.to_string()))?;
        return Ok(None);
    }
    let mut client = server.connect()?;
    client.exchange(b"up?")?;
    Ok(Some(client))
}

fn object_of(server: &Server, number: i32) -> Verdict<Object> {
    let own: Vec<Descriptor> = server.descriptors(Pid::this())?;
    let found = own.into_iter().find(|descriptor| descriptor.number == number);
    found
        .map(|descriptor| descriptor.object)
        .ok_or_else(|| Finding::broken("the canary", "it is not in our own table"))
}

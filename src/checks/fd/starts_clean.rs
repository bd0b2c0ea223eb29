//! A program starts with exactly what its launcher gave it.

use std::os::fd::AsRawFd;

use nix::unistd::Pid;

use crate::check::{self, Finding, OrFinding};
use crate::checks::holders::holds;
use crate::checks::{Check, talk};
use crate::outcome::Level::Should;
use crate::server::{Server, Start};
use crate::sys::{Descriptor, Object};
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "fd/starts-clean",
    level: Should,
    says: "the server holds the three standard descriptors it was given, none turned into a socket, and nothing of its launcher's",
    why: "a socket in the place of descriptor 1 or 2 receives every log line; a stranger's pipe or listener is kept open by mistake",
    cites: &["execve(2)", "fcntl(2) (FD_CLOEXEC)", "socket(2)", "daemon(7)"],
    recipe: "hold a pipe as a canary, launch the server, list the descriptors of its processes",
    needs: Capabilities::empty(),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let canary = os_pipe::pipe().or_broken("a canary")?;
    let id = object_of(server, canary.0.as_raw_fd())?;
    // Only a server launched after the canary was made could have inherited it.
    let mut fresh = server.another().or_broken("one more server")?;
    // One process for each client is launched with its client; the server of all is looked at while idle.
    let idle = fresh.spec().offers().contains(Capabilities::MANY_CLIENTS);
    let _client = if idle { None } else { Some(talk::had_its_turn(&mut fresh)?) };
    let passed = fresh.spec().start() == Start::Inetd || fresh.spec().transport().inherits_sockets();
    for process in fresh.processes()? {
        for descriptor in fresh.descriptors(process.pid)? {
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

fn object_of(server: &Server, number: i32) -> check::Result<Object> {
    let own: Vec<Descriptor> = server.descriptors(Pid::this())?;
    let found = own.into_iter().find(|descriptor| descriptor.number == number);
    found
        .map(|descriptor| descriptor.object)
        .ok_or_else(|| Finding::broken("the canary", "it is not in our own table"))
}

//! Checks that a server holds only the descriptors that its launcher gave to it.

use std::os::fd::AsRawFd;

use nix::unistd::Pid;

use crate::check::{self, Finding, OrFinding};
use crate::checks::processes::unexpected_descriptor;
use crate::checks::{Check, steps};
use crate::outcome::Level::Should;
use crate::server::{Server, Start};
use crate::sys::{Descriptor, Object, Socket, SocketName};
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "fd/starts-clean",
    level: Should,
    sentence: "the server holds the three standard descriptors that it was given, has replaced none by a socket, and holds nothing else of its launcher's",
    why: "a socket in place of descriptor 1 or 2 receives every log line; another program's pipe or listener stays open by mistake",
    citations: &["execve(2)", "fcntl(2) (FD_CLOEXEC)", "socket(2)", "daemon(7)"],
    recipe: "hold a pipe open in the launcher; launch the server; list the descriptors of its processes, and look for the pipe and for sockets among 0, 1 and 2",
    requires: Capabilities::LAUNCHED,
    run,
};

/// The harm of a server's socket that takes the number of a standard descriptor, as a report states it.
const SOCKET: &str =
    "a socket in place of descriptor 1 or 2 receives every log line, and one in place of 0 is read as input";

/// The harm of a descriptor of the launcher that the server still holds, as a report states it.
const STRANGE: &str = "the launcher's pipe or listener stays open for as long as the server runs: its reader sees no end of file, its port stays in use";

fn run(server: &mut Server) -> check::Result {
    let pipe = os_pipe::pipe().or_broken("a pipe")?;
    let id = object_of(server, pipe.0.as_raw_fd())?;
    // Only a server launched after the pipe was made can have inherited it.
    let mut fresh = server.launch_another(server.options()).or_broken("one more server")?;
    // A server of many clients is inspected while idle. A process for one client is launched with its client.
    let idle = fresh.spec().capabilities().contains(Capabilities::MANY_CLIENTS);
    let _client = if idle { None } else { Some(steps::connect_and_settle(&mut fresh)?) };
    let passed = fresh.spec().start() == Start::Inetd || fresh.spec().transport().inherits_sockets();
    let launched = fresh.pid()?;
    for process in fresh.processes()? {
        for descriptor in fresh.descriptors(process.pid)? {
            if descriptor.object == id {
                return Err(unexpected_descriptor(
                    &process,
                    "none of the launcher's own descriptors",
                    &descriptor,
                )
                .harms(STRANGE));
            }
            let given = process.pid != launched && is_unnamed_unix_socket(&descriptor.object);
            let socket = matches!(descriptor.object, Object::Socket(_));
            if descriptor.number <= 2 && socket && !given && !passed {
                return Err(unexpected_descriptor(
                    &process,
                    "no socket as descriptor 0, 1 or 2",
                    &descriptor,
                )
                .harms(SOCKET));
            }
        }
    }
    Ok(())
}

/// Whether `object` may be an end of a socketpair(2), which some runtimes, such as Node, give a child process as a standard
/// descriptor.
fn is_unnamed_unix_socket(object: &Object) -> bool {
    matches!(object, Object::Socket(Socket { name: SocketName::Unix(None), listening: false, .. }))
}

fn object_of(server: &Server, number: i32) -> check::Result<Object> {
    let own: Vec<Descriptor> = server.descriptors(Pid::this())?;
    let found = own.into_iter().find(|descriptor| descriptor.number == number);
    found
        .map(|descriptor| descriptor.object)
        .ok_or_else(|| Finding::broken("the pipe", "it is not in this process's descriptor table"))
}

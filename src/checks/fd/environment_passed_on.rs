//! Checks that the variables of passed sockets are not handed down to other programs.

use std::collections::HashSet;
use std::io;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::processes::{new_processes, pid_and_name};
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::sys::{self, Process};
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "fd/environment-not-passed-on",
    level: Should,
    sentence: "another program that the server executes does not find LISTEN_FDS in its environment",
    why: "a program that believes the variables treats its descriptor 3 as a listening socket, whatever it is",
    citations: &["sd_listen_fds(3) (unset_environment)", "environ(7)"],
    recipe: "connect and exchange a message; find the new processes that run another program; look for LISTEN_FDS in their environment",
    requires: Capabilities::PASSED_LISTENER.union(Capabilities::MANY_CLIENTS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let before = server.processes()?;
    let _client = server.connect_and_exchange()?;
    // A forked child still shows the environment of its parent. Only execve(2) replaces it.
    let own: HashSet<_> = before.iter().filter_map(|process| sys::executable(process.pid)).collect();
    let foreign =
        |process: &Process| sys::executable(process.pid).is_some_and(|program| !own.contains(&program));
    for process in new_processes(server, &before)?.into_iter().filter(foreign) {
        if has_listen_fds(&process)? {
            return Err(Finding::fail(
                "no LISTEN_FDS in the environment of a program that the server executes",
                format!("process {} has LISTEN_FDS=1", pid_and_name(&process)),
            ));
        }
    }
    Ok(())
}

fn has_listen_fds(process: &Process) -> check::Result<bool> {
    match sys::has_env_var(process.pid, "LISTEN_FDS", "1") {
        Ok(found) => Ok(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false), // The process has exited.
        // The program may run as another user. Nothing was seen of it.
        Err(error) => Err(Finding::unsupported("the environment of a process", error.to_string())),
    }
}

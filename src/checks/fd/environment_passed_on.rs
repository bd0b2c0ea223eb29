//! The variables that come with passed sockets are a message to one process.

use std::collections::HashSet;
use std::io;

use crate::check::{self, Finding};
use crate::checks::holders::{called, newcomers};
use crate::checks::{Check, talk};
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::sys::{self, Process};
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "fd/environment-not-passed-on",
    level: Should,
    says: "another program that the server executes does not find LISTEN_FDS in its environment",
    why: "a program that takes the variables for its own treats whatever its descriptor 3 is as a listening socket",
    cites: &["sd_listen_fds(3) (unset_environment)", "environ(7)"],
    recipe: "connect and exchange; among the processes this has brought, look into the environment of those that run another program",
    needs: Capabilities::PASSED_LISTENER.union(Capabilities::MANY_CLIENTS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let before = server.processes()?;
    let _client = talk::answered(server)?;
    // A fork shows the environment that its parent was started with: only an exec gives it a new one.
    let own: HashSet<_> = before.iter().filter_map(|process| sys::program(process.pid)).collect();
    let foreign =
        |process: &Process| sys::program(process.pid).is_some_and(|program| !own.contains(&program));
    for process in newcomers(server, &before)?.into_iter().filter(foreign) {
        if finds_listen_fds(&process)? {
            return Err(Finding::fail(
                "no LISTEN_FDS in the environment of a program that it executes",
                format!("process {} has LISTEN_FDS=1", called(&process)),
            ));
        }
    }
    Ok(())
}

fn finds_listen_fds(process: &Process) -> check::Result<bool> {
    match sys::has_mark(process.pid, "LISTEN_FDS", "1") {
        Ok(found) => Ok(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false), // It has ended.
        Err(error) => Err(Finding::unsupported("the environment of a process", error.to_string())),
    }
}

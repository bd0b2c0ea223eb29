//! Checks a server that starts with SIGCHLD ignored, so that wait(2) reports no child.

use nix::sys::signal::Signal;

use crate::check;
use crate::checks::Check;
use crate::checks::steps::{check_launched_with, serve_clients};
use crate::outcome::Level::Should;
use crate::server::{LaunchOptions, Server};
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/sigchld-ignored",
    level: Should,
    sentence: "a server that was started with SIGCHLD ignored serves one client after another",
    why: "some launchers ignore SIGCHLD, which execve(2) preserves; wait(2) then fails with ECHILD, which must not end the server",
    citations: &["wait(2) (ECHILD)", "sigaction(2) (SA_NOCLDWAIT)", "exec(3p)"],
    recipe: "start the server with SIGCHLD ignored; serve 5 clients, one after another, until they close",
    requires: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS).union(Capabilities::LAUNCHED),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let options = LaunchOptions { ignored: &[Signal::SIGCHLD], ..server.options() };
    check_launched_with(server, options, "with SIGCHLD ignored", |server| {
        for _ in 0..5 {
            serve_clients(server, 1)?;
            // The process of this client has exited, so that wait(2) finds no child, before the next client connects.
            server.await_reaction()?;
        }
        Ok(())
    })
}

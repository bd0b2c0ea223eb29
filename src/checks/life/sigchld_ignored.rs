//! An ignored SIGCHLD is inherited, and takes the children's statuses away.

use nix::sys::signal::Signal;

use crate::check;
use crate::checks::Check;
use crate::checks::elsewhere::{serves, under};
use crate::outcome::Level::Should;
use crate::server::{LaunchOptions, Server};
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/sigchld-ignored",
    level: Should,
    says: "a server that was started with SIGCHLD ignored serves one client after another",
    why: "some launchers ignore SIGCHLD, and exec keeps that: then wait(2) ends in ECHILD, which is no reason to give up",
    cites: &["wait(2) (ECHILD)", "sigaction(2) (SA_NOCLDWAIT)", "exec(3p)"],
    recipe: "start the server with SIGCHLD ignored; 5 clients one after another, each to its end",
    needs: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let options = LaunchOptions { ignored: &[Signal::SIGCHLD], ..server.options() };
    under(server, options, "with SIGCHLD ignored", |server| serves(server, 5))
}

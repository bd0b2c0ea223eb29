//! Checks that a server leaves the listener that it was lent usable for its successor.

use crate::check::{self, Finding};
use crate::checks::processes::file_identity;
use crate::checks::{Check, steps};
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "fd/lent-listener-outlives-it",
    level: Should,
    sentence: "a listening socket that was passed to the server still serves, and its socket file is still there, after SIGTERM has ended the server",
    why: "the launcher keeps the socket for the next start; shutdown(2) ends listening for every process that shares it, and without its file no client finds it",
    citations: &["systemd.socket(5)", "sd_listen_fds(3)", "shutdown(2)", "unlink(2)"],
    recipe: "pass a listener to the server, and exchange a message; send SIGTERM, and wait for its exit; compare the inode of the socket file; connect a client; start the server again on the same listener; it must answer that client and another one",
    requires: Capabilities::PASSED_LISTENER,
    run,
};

fn run(server: &mut Server) -> check::Result {
    server.connect_and_exchange()?.finish()?;
    let before = file_identity(server);
    server.stop_and_wait()?;
    if file_identity(server) != before {
        return Err(Finding::fail(
            "the socket file of the lent listener unchanged when the server has ended",
            "it is gone or replaced",
        )
        .because("the server removed the socket file of a listener that its launcher made"));
    }
    let mut waiting = server.connect().map_err(|finding| finding.because(CAUSE))?;
    steps::restart_and_exchange_after(server, &mut waiting, CAUSE)
}

const CAUSE: &str = "the first server has ended; shutdown(2) on a listener that it was lent ends listening for all who share it";

//! Checks that SIGTERM ends the server.

use std::os::unix::process::ExitStatusExt;

use crate::check::{self, Finding};
use crate::checks::{Check, steps};
use crate::outcome::Level::Should;
use crate::server::{Server, describe_exit};
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/ends-on-sigterm",
    level: Should,
    sentence: "SIGTERM ends the server in time, with status 0 or 143 or by that signal, even while a client is connected",
    why: "a service manager waits for the server, and then kills it before it has cleaned up",
    citations: &["signal(7)", "daemon(7)", "systemd.service(5) (SuccessExitStatus=)", "systemd.kill(5)"],
    recipe: "connect and exchange a message (a filter may buffer its answer); send SIGTERM to the main process; wait for its exit; read its status",
    requires: Capabilities::empty(),
    run,
};

/// The harm of an end with a status that does not tell the reason.
const STATUS: &str = "a service manager takes any other status for a failure of the service: it reports the failure, and may start the service again";

fn run(server: &mut Server) -> check::Result {
    let _client = steps::connect_and_settle(server)?;
    let status = server.stop_and_wait()?;
    let stop = server.spec().setup().stop;
    // A shell reports a process that was ended by a signal with 128 and the signal's number: sh(1).
    let reported = 128 + stop as i32;
    if status.signal() == Some(stop as i32) || [Some(0), Some(reported)].contains(&status.code()) {
        return Ok(());
    }
    Err(Finding::fail(format!("exit status 0 or {reported}, or ended by {stop}"), describe_exit(status))
        .harms(STATUS))
}

//! Steps that several checks take.

use crate::check::{self, Finding};
use crate::server::{LaunchError, Server};
use crate::transport::{Capabilities, Client};

/// Connects a client, sends, and waits until the server has dealt with it.
///
/// A server of many clients must answer. A process that was launched for one client may be a filter that buffers its
/// output: it need only wait for more input.
pub(super) fn connect_and_settle(server: &mut Server) -> check::Result<Client> {
    if server.spec().offers().contains(Capabilities::MANY_CLIENTS) {
        return server.connect_and_exchange();
    }
    let mut client = server.connect()?;
    client.send(b"here")?;
    if answers_before_idle(server, &mut client)? {
        client.expect(b"here")?;
    }
    Ok(client)
}

/// How often a server that is still at work is waited for: one that starts slowly needs more than one deadline.
const WAITS: usize = 5;

/// Whether `client` receives anything before the server is idle.
fn answers_before_idle(server: &Server, client: &mut Client) -> check::Result<bool> {
    let deadlines = server.deadlines();
    for _ in 0..WAITS {
        if client.readable_within(deadlines.reply())? {
            return Ok(true);
        }
        if server.cpu_use(deadlines.quiet()).is_ok_and(|cpu_use| !cpu_use.is_busy_loop()) {
            return Ok(false);
        }
    }
    Ok(false)
}

/// Starts the server again on its address and exchanges with it. `likely_cause` explains a server that refuses to
/// start.
pub(super) fn restart_and_exchange(server: &mut Server, likely_cause: &str) -> check::Result {
    let wanted = format!("the server started again on {}", server.address());
    match server.restart() {
        Ok(()) => server.connect_and_exchange().map(drop),
        Err(LaunchError::Interrupted) => Err(Finding::interrupted()),
        Err(error @ LaunchError::Ended { .. }) => {
            Err(Finding::fail(wanted, error.to_string()).because(likely_cause))
        }
        Err(error @ LaunchError::NotReady { .. }) => Err(Finding::timeout(wanted, error.to_string())),
        Err(error) => Err(Finding::broken(wanted, error.to_string())),
    }
}

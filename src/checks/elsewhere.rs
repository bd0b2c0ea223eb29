//! The same command once more, under options of its own.

use crate::check::{self, Finding};
use crate::outcome::Outcome;
use crate::server::{LaunchError, LaunchOptions, Server};
use crate::transport::Capabilities;

/// Starts the server's command under `options`, at an address of its own, and has `ask` look at it there;
/// `when` says in a report what was special about it.
pub(super) fn under(
    server: &Server,
    options: LaunchOptions,
    when: &str,
    ask: impl FnOnce(&mut Server) -> check::Result,
) -> check::Result {
    let mut other = Server::launch(server.spec(), options).map_err(|error| not_started(&error, when))?;
    ask(&mut other).map_err(|finding| {
        let finding = other.diagnose(finding.because(when));
        finding.because(last_words(&other))
    })
}

/// A server that starts as it usually does, and not under these options, is to blame for that.
fn not_started(error: &LaunchError, when: &str) -> Finding {
    let wanted = format!("a server that starts {when}");
    match error {
        LaunchError::Interrupted => Finding::interrupted(),
        LaunchError::Ended { .. } => Finding::fail(wanted, error.to_string()),
        LaunchError::NotReady { .. } => Finding::timeout(wanted, error.to_string()),
        _ => Finding::broken(wanted, error.to_string()),
    }
}

fn last_words(server: &Server) -> String {
    server.last_output().last().map(|line| format!("it printed: {line}")).unwrap_or_default()
}

/// So many clients, one after another, each of which gets its own bytes and nothing else.
///
/// Where datagrams may be lost (RFC 768), a client that was not answered comes once more: who calls this asks
/// about something else, and a server that makes a socket for each peer has a moment without one for the next.
pub(super) fn serves(server: &mut Server, clients: usize) -> check::Result {
    let offers = server.spec().offers();
    (0..clients).try_for_each(|_| {
        let client = match server.connect_and_exchange() {
            Err(finding) if finding.outcome == Outcome::Timeout && offers.contains(Capabilities::UDP) => {
                server.connect_and_exchange()
            }
            told => told,
        };
        client?.finish()
    })
}

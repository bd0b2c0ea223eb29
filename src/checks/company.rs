//! Clients that are served beside another one.

use crate::check::{self, Finding};
use crate::server::Server;
use crate::transport::{Capabilities, Client};

/// The number of clients that a check connects, one after another, to learn whether the server serves them beside a
/// silent one.
const ASK: usize = 4;

/// The number of clients that a server has shown to serve beside silent ones.
///
/// A server with a fixed number of workers serves so many at a time, by design. A check of one client that reads
/// nothing may therefore connect no more than were served while that client was silent.
pub(super) struct Company {
    /// Whether the server also serves when an earlier client stays connected beside a silent one.
    keeps_first: bool,
}

impl Company {
    /// Finds out how many clients the server serves at a time, beside silent ones.
    ///
    /// # Errors
    /// Unsupported if it is one.
    pub fn of(server: &mut Server) -> check::Result<Company> {
        let _silent = server.connect_and_hold()?;
        for _ in 0..ASK {
            if !server.serves_concurrently()? {
                let wanted = "a server that serves several clients at the same time";
                return Err(Finding::unsupported(wanted, "it answers one client after another"));
            }
        }
        let _other = server.connect_and_hold()?;
        Ok(Company { keeps_first: server.serves_concurrently()? })
    }

    /// Connects a client before the one that reads nothing, if the server can serve both.
    ///
    /// # Errors
    /// Those of an exchange.
    pub fn first(&self, server: &mut Server) -> check::Result<Option<Client>> {
        let stays_open = server.spec().capabilities().contains(Capabilities::STAYS_OPEN);
        (self.keeps_first && stays_open).then(|| server.connect_and_exchange()).transpose()
    }

    /// Fails unless the server replies to `first`, and to several clients that connect now, one after another.
    ///
    /// # Errors
    /// Those of an exchange.
    pub fn expect_served(&self, server: &mut Server, first: Option<Client>) -> check::Result {
        if let Some(mut first) = first {
            // A server may have closed a connection that was idle for long on a busy machine.
            first.exchange_unless_idle(b"meanwhile")?;
        }
        (0..ASK).try_for_each(|_| server.connect_and_exchange().map(drop))
    }
}

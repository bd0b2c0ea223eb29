//! What a message cost both sides.

use std::io;
use std::time::Duration;

use nix::unistd::Pid;

use super::super::accounts::{Accounts, Usage};
use super::super::figures::Cost;
use crate::sys;

/// A look at both sides.
pub(super) struct Effort {
    client: io::Result<Accounts>,
    server: io::Result<Accounts>,
}

impl Effort {
    /// Looks at this process, and at `server` with all its descendants.
    pub fn now(server: Pid) -> Effort {
        Effort { client: Accounts::of_ourselves(), server: Accounts::of(family(server)) }
    }

    /// What each of `messages` has cost since `earlier`. Of the client's own work, `bookkeeping` is none of the
    /// mechanism's: making messages, comparing and counting them.
    pub fn each_since(&self, earlier: &Effort, messages: u64, bookkeeping: Duration) -> Cost {
        let used = |now: &io::Result<Accounts>, then: &io::Result<Accounts>| match (now, then) {
            (Ok(now), Ok(then)) => now.since(then),
            // Where the system does not tell.
            _ => Usage::default(),
        };
        let (client, server) = (used(&self.client, &earlier.client), used(&self.server, &earlier.server));
        let each = |time: Duration| time.as_nanos() as f64 / messages.max(1) as f64;
        let switches = [client.switches, server.switches].map(Option::unwrap_or_default);
        let sum = |part: fn(&sys::ContextSwitches) -> u64| {
            switches.iter().map(part).sum::<u64>() as f64 / messages.max(1) as f64
        };
        Cost {
            client_user: each(client.user.saturating_sub(bookkeeping)),
            client_system: each(client.system),
            server_user: each(server.user),
            server_system: each(server.system),
            voluntary_switches: sum(|it| it.voluntary),
            involuntary_switches: sum(|it| it.involuntary),
            client_calls: None,
            server_calls: None,
        }
    }
}

/// A process and its descendants.
pub(super) fn family(leader: Pid) -> Vec<Pid> {
    let below = sys::descendants(leader).unwrap_or_default();
    let living = below.iter().filter(|process| !process.zombie).map(|process| process.pid);
    std::iter::once(leader).chain(living).collect()
}

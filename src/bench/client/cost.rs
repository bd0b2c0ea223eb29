//! Processor time, context switches and system calls of both processes, divided by the messages exchanged.

use std::io;
use std::time::Duration;

use nix::unistd::Pid;

use crate::bench::comparison::Cost;
use crate::bench::session::cpu_usage::{Accounts, Usage};
use crate::sys;
use crate::sys::SystemCallCounter;

/// The processor time and context switches of both processes at one moment.
pub(super) struct Effort {
    client: io::Result<Accounts>,
    server: io::Result<Accounts>,
}

impl Effort {
    /// Reads those of this process, and of `server` with all its descendants.
    pub fn now(server: Pid) -> Effort {
        Effort { client: Accounts::of_ourselves(), server: Accounts::of(family(server)) }
    }

    /// Returns what each of `messages` has cost since `earlier`. Subtracts `bookkeeping` from the client's time: the
    /// preparing, comparing and counting of messages, which is no cost of the mechanism.
    pub fn each_since(&self, earlier: &Effort, messages: u64, bookkeeping: Duration) -> Cost {
        let used = |now: &io::Result<Accounts>, then: &io::Result<Accounts>| match (now, then) {
            (Ok(now), Ok(then)) => now.since(then),
            // This system does not tell.
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

/// Returns `leader` and all its descendants.
fn family(leader: Pid) -> Vec<Pid> {
    let below = sys::descendants(leader).unwrap_or_default();
    let living = below.iter().filter(|process| !process.zombie).map(|process| process.pid);
    std::iter::once(leader).chain(living).collect()
}

/// Counters of the system calls of both processes. They are read before and after a task that is not timed.
pub(super) struct Counting {
    client: SystemCallCounter,
    server: SystemCallCounter,
    /// The client's system calls for one reading.
    look: u64,
}

/// The numbers of system calls at one moment.
#[derive(Clone, Copy)]
pub(super) struct Look {
    client: u64,
    server: u64,
}

impl Counting {
    /// Begins to count those of this process, and of `server` with its descendants.
    pub fn begin(server: Pid) -> io::Result<Counting> {
        let (client, server) =
            (SystemCallCounter::start(&[Pid::this()])?, SystemCallCounter::start(&family(server))?);
        let mut counting = Counting { client, server, look: 0 };
        // Reading the counters makes system calls too: the second reading includes those of the first.
        let (first, second) = (counting.look()?, counting.look()?);
        counting.look = second.client - first.client;
        Ok(counting)
    }

    pub fn look(&self) -> io::Result<Look> {
        let server = self.server.count()?;
        Ok(Look { client: self.client.count()?, server })
    }

    /// Writes into `cost` the system calls for each of `messages` between two readings.
    ///
    /// A server that has answered may or may not have called read(2) for the next message yet, so its number is exact to
    /// one call.
    pub fn charge(&self, (before, after): (Look, Look), messages: u64, cost: &mut Cost) {
        let each = |calls: u64| Some(calls as f64 / messages.max(1) as f64);
        cost.client_calls = each((after.client - before.client).saturating_sub(self.look));
        cost.server_calls = each(after.server - before.server);
    }
}

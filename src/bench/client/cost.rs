//! Processor time, context switches and system calls of both processes, divided by the messages exchanged.

use std::io;
use std::time::Duration;

use nix::unistd::Pid;

use crate::bench::comparison::MessageCost;
use crate::bench::session::cpu_usage::{CpuSnapshot, CpuUsage};
use crate::sys::{self, ContextSwitches, SystemCallCounter};

/// The processor time and context switches of client and server at one moment.
pub(super) struct CostSnapshot {
    client: io::Result<CpuSnapshot>,
    server: io::Result<CpuSnapshot>,
}

impl CostSnapshot {
    /// Reads the processor time and context switches of this process, and of `server` with its descendants.
    pub fn now(server: Pid) -> CostSnapshot {
        CostSnapshot {
            client: CpuSnapshot::of_this_process(),
            server: CpuSnapshot::of_processes(with_descendants(server)),
        }
    }

    /// Returns what each of `messages` messages has cost in processor time and context switches since `earlier`.
    /// Subtracts `bookkeeping` from the client's time: the preparing, comparing and counting of messages, which is no
    /// cost of the mechanism.
    pub fn cost_per_message_since(
        &self,
        earlier: &CostSnapshot,
        messages: u64,
        bookkeeping: Duration,
    ) -> MessageCost {
        let used = |now: &io::Result<CpuSnapshot>, then: &io::Result<CpuSnapshot>| match (now, then) {
            (Ok(now), Ok(then)) => now.usage_since(then),
            // This system does not tell.
            _ => CpuUsage::default(),
        };
        let (client, server) = (used(&self.client, &earlier.client), used(&self.server, &earlier.server));
        let each = |time: Duration| time.as_nanos() as f64 / messages.max(1) as f64;
        let switches = [client.switches, server.switches].map(Option::unwrap_or_default);
        let sum = |part: fn(&ContextSwitches) -> u64| {
            switches.iter().map(part).sum::<u64>() as f64 / messages.max(1) as f64
        };
        MessageCost {
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

/// Returns the process `leader` and all its descendants.
fn with_descendants(leader: Pid) -> Vec<Pid> {
    let below = sys::descendants(leader).unwrap_or_default();
    let living = below.iter().filter(|process| !process.zombie).map(|process| process.pid);
    std::iter::once(leader).chain(living).collect()
}

/// Counters of the system calls of client and server. They are read before and after a task that is not timed.
pub(super) struct SystemCallCounters {
    client: SystemCallCounter,
    server: SystemCallCounter,
    /// The number of system calls that one reading of the counters takes, subtracted from the client's count.
    own: u64,
}

/// The numbers of system calls of client and server at one moment.
#[derive(Clone, Copy)]
pub(super) struct SystemCallCounts {
    client: u64,
    server: u64,
}

impl SystemCallCounters {
    /// Begins to count the system calls of this process, and of `server` with its descendants.
    pub fn start(server: Pid) -> io::Result<SystemCallCounters> {
        let client = SystemCallCounter::start(&[Pid::this()])?;
        let server = SystemCallCounter::start(&with_descendants(server))?;
        let mut counters = SystemCallCounters { client, server, own: 0 };
        // Reading the counters makes system calls too: the second reading includes those of the first.
        let (first, second) = (counters.read()?, counters.read()?);
        counters.own = second.client - first.client;
        Ok(counters)
    }

    pub fn read(&self) -> io::Result<SystemCallCounts> {
        let server = self.server.count()?;
        Ok(SystemCallCounts { client: self.client.count()?, server })
    }

    /// Stores in `cost` the number of system calls for each of `messages` messages between two readings of the
    /// counters.
    ///
    /// A server that has answered may or may not have called read(2) for the next message yet, so its number is exact to
    /// one call.
    pub fn set_calls_per_message(
        &self,
        cost: &mut MessageCost,
        (before, after): (SystemCallCounts, SystemCallCounts),
        messages: u64,
    ) {
        let each = |calls: u64| Some(calls as f64 / messages.max(1) as f64);
        cost.client_calls = each((after.client - before.client).saturating_sub(self.own));
        cost.server_calls = each(after.server - before.server);
    }
}

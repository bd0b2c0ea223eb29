//! System calls of both sides, counted around a task that nobody times.

use std::io;

use nix::unistd::Pid;

use super::super::figures::Cost;
use super::effort::family;
use crate::sys::machine::Calls;

/// Counters of both sides, and what a look at them costs.
pub(super) struct Counting {
    client: Calls,
    server: Calls,
    look: u64,
}

/// How many calls each side had made.
#[derive(Clone, Copy)]
pub(super) struct Look {
    client: u64,
    server: u64,
}

impl Counting {
    /// Begins to count those of this process, and of `server` with its descendants.
    pub fn begin(server: Pid) -> io::Result<Counting> {
        let (client, server) = (Calls::of(&[Pid::this()])?, Calls::of(&family(server))?);
        let mut counting = Counting { client, server, look: 0 };
        // Looking makes system calls too: the second look finds those of one.
        let (first, second) = (counting.look()?, counting.look()?);
        counting.look = second.client - first.client;
        Ok(counting)
    }

    pub fn look(&self) -> io::Result<Look> {
        let server = self.server.so_far()?;
        Ok(Look { client: self.client.so_far()?, server })
    }

    /// Writes into `cost` what each of `messages` took between two looks.
    ///
    /// A server that has answered may or may not have asked for the next message yet, so one call more or less is in the
    /// server's sum.
    pub fn charge(&self, (before, after): (Look, Look), messages: u64, cost: &mut Cost) {
        let each = |calls: u64| Some(calls as f64 / messages.max(1) as f64);
        cost.client_calls = each((after.client - before.client).saturating_sub(self.look));
        cost.server_calls = each(after.server - before.server);
    }
}

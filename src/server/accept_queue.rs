//! Waits until the server has room for one more connection.
//!
//! Python's `socketserver` listens with a backlog of 5. Clients that connect faster than the server accepts fill that
//! queue, and the kernel drops the SYN of the next one. TCP sends it again after a second, which says nothing about the
//! server: accept(2) follows a few microseconds later.

use super::Server;
use crate::deadline::until;
use crate::sys;
use crate::transport::Capabilities;

/// Capabilities of a server whose accept queue the kernel shows.
const SHOWN: Capabilities = Capabilities::TCP.union(Capabilities::LOCAL);

impl Server {
    /// Waits until the server's accept queue has room for a connection, as far as the system shows it. Waits no longer
    /// than a client waits for a reply, and not again if that was in vain: the server may have several queues.
    pub(super) fn await_room(&mut self) {
        if self.queue_stays_full || !self.spec.capabilities().contains(SHOWN) {
            return;
        }
        let Some(address) = self.address().inet() else { return };
        let is_full =
            || sys::accept_queue(address).is_ok_and(|queue| queue.is_some_and(sys::AcceptQueue::is_full));
        let room = until(self.deadlines().reply(), || Ok((!is_full()).then_some(())));
        // An interrupt ends the next wait as well.
        self.queue_stays_full = room.is_ok_and(|room| room.is_none());
    }
}

//! Filling every buffer between client and server, and waiting until the server has read what was sent.

use std::net::SocketAddr;
use std::time::Duration;

use super::Client;
use crate::check::{self, Finding, OrFinding};
use crate::deadline::until;
use crate::sys;
use crate::trace::Action;
use crate::transport::Capabilities;

impl Client {
    /// Sends from `bytes`, without reading, until the server's side has accepted nothing for a while. Returns how many
    /// bytes were accepted; if that is all of them, the server never blocked. Needs
    /// [`STREAM`](crate::transport::Capabilities::STREAM).
    ///
    /// # Errors
    /// A failure if the server closes the connection.
    pub fn fill_until_blocked(&mut self, bytes: &[u8]) -> check::Result<usize> {
        self.require_stream()?;
        if self.connection.sent == 0 {
            self.complete_opening()?;
        }
        let (mut wrote, mut silences) = (0, 0);
        self.note_special_request();
        let rest = self.enqueue(bytes);
        while !self.is_all_sent(&rest[wrote..]) && !self.must_read_first() {
            let ready = self.connection.poll(true, false, self.deadlines.quiet())?;
            let step = self.move_bytes(&rest[wrote..], ready)?;
            // TCP's window probe may come late on a busy machine: one silence is not yet a stall.
            silences = if step.moved { 0 } else { silences + 1 };
            match silences {
                0 => {}
                1 => self.await_reaction()?,
                _ => break,
            }
            wrote += step.wrote;
        }
        Ok(match &mut self.dialogue {
            Some(dialogue) => bytes.len() - dialogue.codec.drop_queued_content(),
            None => wrote,
        })
    }

    /// Whether the client has to read a reply before it may send its next request.
    fn must_read_first(&mut self) -> bool {
        self.dialogue.as_mut().is_some_and(|dialogue| dialogue.codec.bytes_to_send().is_empty())
    }

    /// Waits until the server's kernel has received everything that the client has sent, if this system reports that.
    /// If the server does not read, a part stays in the client's kernel; then the wait ends after
    /// [`Deadlines::quiet`](crate::deadline::Deadlines::quiet). Over a Unix domain socket,
    /// write(2) itself hands the bytes to the other end.
    ///
    /// # Errors
    /// Only when interrupted.
    pub(crate) fn await_delivery(&self) -> check::Result {
        if self.ends().is_none() {
            return Ok(());
        }
        until(self.deadlines.quiet(), || Ok(self.is_delivered().then_some(()))).map(drop)
    }

    /// Waits until the server itself has read everything that the client has sent. Returns false if it leaves some of
    /// it unread. Needs [`TCP`](crate::transport::Capabilities::TCP).
    ///
    /// # Errors
    /// Unsupported if this system does not report that; otherwise only when interrupted.
    pub(crate) fn await_read(&self) -> check::Result<bool> {
        self.await_delivery()?;
        self.await_read_within(self.deadlines.no_progress())
    }

    /// Waits at most `limit` until the server itself has read everything that its kernel has received.
    ///
    /// # Errors
    /// As [`await_read`](Client::await_read).
    pub(crate) fn await_read_within(&self, limit: Duration) -> check::Result<bool> {
        let Some((ours, peer)) = self.ends() else {
            return Err(Finding::unsupported(
                "what the server has not yet read",
                "the kernel shows that for TCP alone",
            ));
        };
        let read = until(limit, || {
            let queues = sys::tcp_queues(peer, ours).or_unsupported("what the server has not yet read")?;
            Ok(queues.is_none_or(|queues| queues.unread == 0).then_some(()))
        })?;
        if read.is_some() {
            self.connection.trace.note(Action::AllRead);
        }
        Ok(read.is_some())
    }

    /// Reports whether the server has read everything that the client sent. Where the system does not show that, reports
    /// whether the server's kernel has received it.
    pub(crate) fn is_read_by_server(&self) -> bool {
        if !self.is_delivered() {
            return false;
        }
        let ends =
            self.ends().filter(|_| self.capabilities.contains(Capabilities::LOCAL.union(Capabilities::TCP)));
        match ends.map(|(ours, peer)| sys::tcp_queues(peer, ours)) {
            Some(Ok(queues)) => queues.is_some_and(|queues| queues.unread == 0),
            Some(Err(_)) | None => true,
        }
    }

    /// Returns the addresses of the client and of the server, if they are IP addresses.
    pub(super) fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        let socket = self.connection.link.as_socket()?;
        Some((socket.local_addr().ok()?.as_socket()?, socket.peer_addr().ok()?.as_socket()?))
    }
}

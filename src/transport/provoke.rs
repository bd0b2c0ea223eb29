//! What a client does to bring a server into a certain state, and how it knows that the server is there.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use super::messenger::{is_full, refused};
use super::{Client, Messenger};
use crate::check::{self, Finding, OrFinding};
use crate::deadline::until;
use crate::sys;

impl Client {
    /// Sends from `bytes` without reading until nothing has been accepted for a while; answers how much
    /// was. All of them means that no stall was reached.
    ///
    /// # Errors
    /// A failure where the server closes the connection.
    pub fn fill_until_blocked(&mut self, bytes: &[u8]) -> check::Result<usize> {
        let (mut wrote, mut silences) = (0, 0);
        while wrote < bytes.len() {
            let ready = self.poll(&bytes[wrote..], false, self.deadlines.quiet())?;
            let step = self.move_bytes(&bytes[wrote..], ready)?;
            // TCP's window probe may come late on a busy machine: one silence is not yet a stall.
            silences = if step.moved { 0 } else { silences + 1 };
            if silences == 2 {
                break;
            }
            wrote += step.wrote;
        }
        Ok(wrote)
    }

    /// Waits until the server's kernel has everything that was sent, where the system tells; a server that
    /// does not read leaves the rest with us, and the wait ends when nothing moves any more.
    ///
    /// # Errors
    /// Only when interrupted.
    pub fn await_delivery(&self) -> check::Result {
        let Some(socket) = self.link.as_socket() else { return Ok(()) };
        let delivered = || Ok((sys::unsent_bytes(socket.as_fd()).unwrap_or(0) == 0).then_some(()));
        until(self.deadlines.quiet(), delivered).map(drop)
    }

    /// Waits until the server itself, and not only its kernel, has read everything that was sent; false if it
    /// leaves some of it unread.
    ///
    /// # Errors
    /// Unsupported where the system does not tell; else only when interrupted.
    pub fn await_read(&self) -> check::Result<bool> {
        self.await_delivery()?;
        let ours = self.local_address()?;
        let peer = self.link.as_socket().and_then(|socket| socket.peer_addr().ok()?.as_socket());
        let peer = peer.ok_or_else(|| Finding::broken("the server's address", "getpeername(2) gave none"))?;
        let read = until(self.deadlines.no_progress(), || {
            let queues = sys::tcp_queues(peer, ours).or_unsupported("what the server has not yet read")?;
            Ok(queues.is_none_or(|queues| queues.unread == 0).then_some(()))
        })?;
        Ok(read.is_some())
    }

    /// Sends one byte as urgent data: `MSG_OOB` (RFC 6093).
    ///
    /// # Errors
    /// A broken harness where the system refuses.
    pub fn send_urgent(&mut self, byte: u8) -> check::Result {
        self.visit.note("sends urgent data");
        self.link.send_urgent(byte).or_broken("urgent data")
    }

    /// Sends `bytes` with `descriptor` attached: `SCM_RIGHTS`, unix(7).
    ///
    /// # Errors
    /// A broken harness where the system refuses.
    pub fn send_with_descriptor(&mut self, bytes: &[u8], descriptor: BorrowedFd<'_>) -> check::Result {
        self.sent += bytes.len();
        self.link.send_with_descriptor(bytes, descriptor).or_broken("a descriptor sent along")
    }

    /// Closes the pipe that the server writes to; its input stays open.
    ///
    /// # Errors
    /// A broken harness where the conversation is not one of pipes.
    pub fn stop_reading(&mut self) -> check::Result {
        self.link.close_reader().or_broken("a pipe to close")
    }

    /// Ends the connection with a reset instead of an orderly close (TCP only; elsewhere a plain close).
    ///
    /// # Errors
    /// A broken harness where the system refuses.
    pub fn reset(mut self) -> check::Result {
        self.visit.ends_otherwise("resets");
        self.link.reset().or_broken("SO_LINGER 0")
    }
}

impl Messenger {
    /// Sends one message with `descriptor` attached: `SCM_RIGHTS`, unix(7).
    ///
    /// # Errors
    /// A broken harness where the system refuses.
    pub fn send_with_descriptor(&mut self, bytes: &[u8], descriptor: BorrowedFd<'_>) -> check::Result {
        self.link.send_with_descriptor(bytes, descriptor).or_broken("a descriptor sent along")
    }

    /// Sends one message if there is room for it at once; false if not.
    ///
    /// # Errors
    /// A failure where the server is gone.
    pub fn offer(&mut self, bytes: &[u8]) -> check::Result<bool> {
        match self.link.write(bytes) {
            Ok(_) => Ok(true),
            Err(error) if is_full(&error) => Ok(false),
            Err(error) => Err(refused(bytes.len(), &error)),
        }
    }

    /// Goes without a trace: a client that was bound to a path takes its file away.
    pub fn vanish(self) {
        let name = self.link.as_socket().and_then(|socket| socket.local_addr().ok());
        let path = name.as_ref().and_then(|name| name.as_pathname()).map(Path::to_owned);
        sys::between_launches(|| drop(self));
        if let Some(path) = path {
            let _ = fs::remove_file(path);
        }
    }
}

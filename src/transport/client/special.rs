//! Urgent data, passed descriptors, and ends other than an orderly close.

use std::fs;
use std::os::fd::BorrowedFd;
use std::path::Path;

use super::Client;
use crate::check::{self, OrFinding};
use crate::deadline::until;
use crate::sys::{self, TcpState};
use crate::trace::Action;
use crate::transport::Capabilities;

impl Client {
    /// Sends one byte as urgent data: `MSG_OOB` (RFC 6093). Needs [`TCP`](crate::transport::Capabilities::TCP).
    ///
    /// # Errors
    /// A broken harness if the system refuses.
    pub fn send_urgent(&mut self, byte: u8) -> check::Result {
        self.connection.trace.note(Action::Other("sends urgent data".into()));
        self.connection.link.send_urgent(byte).or_broken("urgent data")
    }

    /// Sends `bytes`, or the request that carries them, with `descriptor` attached: `SCM_RIGHTS`, unix(7). Works only
    /// over Unix domain sockets, and only with a few bytes.
    ///
    /// # Errors
    /// A broken harness if the system refuses.
    pub(crate) fn send_with_descriptor(&mut self, bytes: &[u8], descriptor: BorrowedFd<'_>) -> check::Result {
        let wire = match &mut self.dialogue {
            None => bytes.to_vec(),
            Some(dialogue) if self.capabilities.contains(Capabilities::STREAM) => {
                dialogue.codec.queue_content(bytes);
                dialogue.codec.bytes_to_send().to_vec()
            }
            Some(dialogue) => dialogue.encode_message(bytes)?,
        };
        self.connection.write_with_descriptor(&wire, descriptor).or_broken("a descriptor sent along")?;
        if let Some(dialogue) = &mut self.dialogue {
            dialogue.codec.mark_written(wire.len());
        }
        Ok(())
    }

    /// Closes the pipe that the server writes to. The pipe that it reads from stays open. Only over two pipes.
    ///
    /// # Errors
    /// A broken harness without pipes.
    pub fn close_read_side(&mut self) -> check::Result {
        self.connection.link.close_reader().or_broken("a pipe to close")
    }

    /// Ends a TCP connection with a reset instead of an orderly close. Other connections are closed.
    ///
    /// # Errors
    /// A broken harness if the system refuses.
    pub fn reset(mut self) -> check::Result {
        self.connection.trace.ends_with_reset();
        self.connection.link.reset().or_broken("SO_LINGER 0")
    }

    /// [Resets](Client::reset) the connection, and waits until the server's kernel has received the reset, if this
    /// system reports that.
    ///
    /// # Errors
    /// As [`reset`](Client::reset), and when interrupted.
    pub(crate) fn reset_and_await_arrival(self) -> check::Result {
        let ends = self.ends();
        let limit = self.deadlines.no_progress();
        self.reset()?;
        let Some((ours, server)) = ends else { return Ok(()) };
        // The kernel removes a connection that was reset from its table, even while the server holds the descriptor.
        let has_arrived =
            || Ok(sys::tcp_queues(server, ours).map_or(true, |found| found.is_none()).then_some(()));
        until(limit, has_arrived).map(drop)
    }

    /// Closes the client, and waits until the server's kernel has received the end of the connection, if this system
    /// reports that.
    ///
    /// # Errors
    /// Only when interrupted.
    pub(crate) fn close_and_await_arrival(self) -> check::Result {
        let ends = self.ends().filter(|_| self.is_stream());
        let limit = self.deadlines.no_progress();
        sys::between_launches(|| drop(self));
        let Some((ours, server)) = ends else { return Ok(()) };
        let is_connected = || sys::tcp_state(server, ours).is_ok_and(|it| it == Some(TcpState::Established));
        let has_arrived = || Ok((!is_connected()).then_some(()));
        until(limit, has_arrived).map(drop)
    }

    /// Closes the client, and removes the socket file that the client was bound to.
    pub(crate) fn close_and_unlink(self) {
        let name = self.connection.link.as_socket().and_then(|socket| socket.local_addr().ok());
        let path = name.as_ref().and_then(|name| name.as_pathname()).map(Path::to_owned);
        sys::between_launches(|| drop(self));
        if let Some(path) = path {
            let _ = fs::remove_file(path);
        }
    }
}

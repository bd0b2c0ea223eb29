//! The link of one client, with everything that passes over it counted and traced.

use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};

use super::Link;
use crate::check;
use crate::deadline::{WaitOutcome, wait};
use crate::trace::{Action, ClientTrace, TransferDirection};

/// One client's connection, which carries bytes whatever the protocol is.
///
/// Every byte that the client sends passes [`write`](Connection::write) or
/// [`write_with_descriptor`](Connection::write_with_descriptor), and every byte that it receives passes
/// [`read`](Connection::read). Only urgent data does not.
#[derive(Debug)]
pub(super) struct Connection {
    pub link: Link,
    /// Whether the connection is a stream, so that a read returns a piece of it. Otherwise a read returns a message and
    /// its sender.
    stream: bool,
    pub sent: usize,
    pub received: usize,
    /// Everything that the client has received since a check asked to record it; `None` before.
    pub record: Option<Vec<u8>>,
    pub trace: ClientTrace,
    /// The time just before the last write.
    pub last_write: Instant,
}

/// The result of one read from a client's connection.
pub(super) struct Received {
    pub length: usize,
    /// The address of the message's sender, if it has an IP address.
    pub sender: Option<SocketAddr>,
}

/// The result of waiting for a link: the directions in which it can be used without waiting.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Ready {
    pub readable: bool,
    pub writable: bool,
}

impl Connection {
    pub fn new(link: Link, stream: bool) -> Connection {
        let from = local_address(&link).map(|address| address.to_string());
        let (trace, last_write) = (ClientTrace::connected(from), Instant::now());
        Connection { link, stream, sent: 0, received: 0, record: None, trace, last_write }
    }

    /// Writes a part of `bytes` to the connection if it is a stream, or else all of them as one message, without
    /// waiting.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.last_write = Instant::now();
        let written = self.link.write(bytes)?;
        self.trace.transfer(TransferDirection::Sent, &bytes[..written]);
        self.sent += written;
        Ok(written)
    }

    /// Writes all of `bytes` to the connection, with `descriptor` attached.
    pub fn write_with_descriptor(&mut self, bytes: &[u8], descriptor: BorrowedFd<'_>) -> io::Result<()> {
        self.sent += bytes.len();
        let sent = crate::text::count_with_noun(bytes.len(), "byte");
        self.trace.note(Action::Other(format!("sends {sent} with a descriptor")));
        self.link.send_with_descriptor(bytes, descriptor)
    }

    /// Writes `bytes` as datagrams of `size` bytes with one system call.
    pub fn write_segments(&mut self, bytes: &[u8], size: usize) -> io::Result<()> {
        self.link.send_segments(bytes, size)?;
        self.trace.transfer(TransferDirection::Sent, bytes);
        self.sent += bytes.len();
        Ok(())
    }

    /// Reads a piece of a stream or one message from the connection, without waiting.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        let (length, sender) =
            if self.stream { (self.link.read(buffer)?, None) } else { self.link.receive(buffer)? };
        if self.stream && length == 0 {
            self.trace.ends();
        } else {
            self.trace.transfer(TransferDirection::Received, &buffer[..length]);
        }
        self.received += length;
        if let Some(record) = &mut self.record {
            record.extend_from_slice(&buffer[..length]);
        }
        Ok(Received { length, sender })
    }

    /// Waits at most `limit` until the link can be written or read, whichever is asked for.
    pub fn poll(&self, writing: bool, reading: bool, limit: Duration) -> check::Result<Ready> {
        let writer = self.link.output_descriptor().filter(|_| writing);
        let mut interest: Vec<PollFd<'_>> = Vec::with_capacity(2);
        if reading {
            interest.push(PollFd::new(self.link.input_descriptor(), PollFlags::POLLIN));
        }
        if let Some(writer) = writer {
            interest.push(PollFd::new(writer, PollFlags::POLLOUT));
        }
        if wait(&mut interest, limit)? == WaitOutcome::Elapsed {
            return Ok(Ready::default());
        }
        let ready = |entry: &PollFd<'_>| entry.any().unwrap_or(true);
        Ok(Ready {
            readable: reading && interest.first().is_some_and(ready),
            writable: writer.is_some() && interest.last().is_some_and(ready),
        })
    }

    pub fn shut_down_write(&mut self) -> io::Result<()> {
        self.trace.note(Action::EndsDirection);
        self.link.shut_down_write()
    }

    pub fn local_address(&self) -> Option<SocketAddr> {
        local_address(&self.link)
    }
}

fn local_address(link: &Link) -> Option<SocketAddr> {
    link.as_socket()?.local_addr().ok()?.as_socket()
}

/// Whether the system call that failed with `error` may succeed later.
pub(super) fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

//! A client that sends messages and verifies that their boundaries were kept.

use std::io;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd};

use std::time::Duration;

use nix::poll::{PollFd, PollFlags};
use nix::sys::socket::{SockaddrStorage, recvfrom};
use socket2::Socket;

use super::client::whence;
use super::{HangDiagnosis, Link};
use crate::check::{self, Finding, OrFinding};
use crate::deadline::{Deadlines, Waited, until, wait};
use crate::payload::KIB;
use crate::text::{count, difference, excerpt};
use crate::trace::{Visit, Way};

/// Room for the largest message of any mechanism here, and for what a server might add to it.
const LARGEST: usize = 512 * KIB;

/// One client of a datagram or seqpacket server.
#[derive(Debug)]
pub struct Messenger {
    pub(super) link: Link,
    deadlines: Deadlines,
    witness: HangDiagnosis,
    visit: Visit,
}

/// One message that arrived.
#[derive(Debug)]
pub struct Message {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// The address it came from, if that is an internet address.
    pub sender: Option<SocketAddr>,
}

impl Message {
    /// Verifies that it holds just `bytes`.
    ///
    /// # Errors
    /// A failure naming the first difference or the wrong length.
    pub fn proves(&self, bytes: &[u8]) -> check::Result {
        compare(bytes, &self.bytes).map_err(|actual| Finding::fail(one_of(bytes), actual).about_echo())
    }
}

fn one_of(bytes: &[u8]) -> String {
    format!("one message of {}", count(bytes.len(), "byte"))
}

impl Messenger {
    pub(crate) fn new(link: Link, deadlines: Deadlines) -> Messenger {
        Messenger { visit: Visit::begins(&whence(&link)), link, deadlines, witness: HangDiagnosis::silent() }
    }

    /// Has `witness` asked whenever nothing moves any more.
    pub(crate) fn with_diagnosis(self, witness: HangDiagnosis) -> Messenger {
        Messenger { witness, ..self }
    }

    /// The client's own address and port.
    ///
    /// # Errors
    /// A broken harness where this is no internet socket.
    pub fn local_address(&self) -> check::Result<SocketAddr> {
        let address = self.link.as_socket().and_then(|socket| socket.local_addr().ok()?.as_socket());
        address.ok_or_else(|| Finding::broken("the client's address", "getsockname(2) gave none"))
    }

    /// The end to poll for what comes back.
    #[must_use]
    pub fn reader(&self) -> BorrowedFd<'_> {
        self.link.reader()
    }

    /// Whether a message of `length` bytes can be sent by a program that leaves its buffers as they are, as most
    /// servers do: macOS, for one, allows less than Linux.
    #[must_use]
    pub fn can_send(&self, length: usize) -> bool {
        let fresh = |socket: &Socket| {
            let address = socket.local_addr()?;
            Socket::new(address.domain(), socket.r#type()?, None)?.send_buffer_size()
        };
        let carried = self.link.largest().is_none_or(|largest| length <= largest);
        carried
            && self.link.as_socket().is_some_and(|socket| fresh(socket).unwrap_or_default() >= length + KIB)
    }

    /// Sends one message.
    ///
    /// # Errors
    /// A failure where the server is gone, a timeout where its queue stays full.
    pub fn send(&mut self, bytes: &[u8]) -> check::Result {
        let limit = self.deadlines.no_progress();
        let sent = until(limit, || match self.link.write(bytes) {
            Ok(_) => {
                self.visit.transfer(Way::Sent, bytes);
                Ok(Some(()))
            }
            Err(error) if is_full(&error) => self.await_room(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(refused(bytes.len(), &error)),
        })?;
        let wanted = format!("room for a message of {}", count(bytes.len(), "byte"));
        let actual = format!("the server's queue stayed full for {} s", limit.as_secs_f64());
        sent.ok_or_else(|| Finding::timeout(wanted, actual))
    }

    /// Whether a message can be received within `limit`; it is not taken.
    ///
    /// # Errors
    /// Only when interrupted.
    pub fn hears_within(&self, limit: Duration) -> check::Result<bool> {
        let mut interest = [PollFd::new(self.link.reader(), PollFlags::POLLIN)];
        Ok(wait(&mut interest, limit)? == Waited::Ready)
    }

    /// Waits for the next message and verifies it whole.
    ///
    /// # Errors
    /// A failure naming the first difference or the wrong length; a timeout where nothing comes.
    pub fn expect(&mut self, bytes: &[u8]) -> check::Result<Message> {
        let Some(message) = self.receive()? else {
            let waited = self.deadlines.no_progress().as_secs_f64();
            let finding = Finding::timeout(one_of(bytes), format!("nothing for {waited} s"));
            return Err(finding.about_echo().because((self.witness.0)()));
        };
        message.proves(bytes)?;
        Ok(message)
    }

    /// Sends a message and waits for its echo.
    ///
    /// # Errors
    /// As [`send`](Messenger::send) and [`expect`](Messenger::expect).
    pub fn exchange(&mut self, bytes: &[u8]) -> check::Result<Message> {
        self.send(bytes)?;
        self.expect(bytes)
    }

    /// The next message within the progress deadline.
    ///
    /// # Errors
    /// A failure where the connection is lost.
    pub fn receive(&mut self) -> check::Result<Option<Message>> {
        self.receive_within(self.deadlines.no_progress())
    }

    /// The next message within `limit`. On a connection a message of no bytes is also its end.
    ///
    /// # Errors
    /// A failure where the connection is lost.
    pub fn receive_within(&mut self, limit: Duration) -> check::Result<Option<Message>> {
        let mut buffer = vec![0; LARGEST];
        loop {
            let mut interest = [PollFd::new(self.link.reader(), PollFlags::POLLIN)];
            if wait(&mut interest, limit)? == Waited::Elapsed {
                return Ok(None);
            }
            match self.take(&mut buffer) {
                Ok((length, sender)) => {
                    buffer.truncate(length);
                    self.visit.transfer(Way::Received, &buffer);
                    return Ok(Some(Message { bytes: buffer, sender }));
                }
                Err(error) if is_full(&error) || error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(refused(0, &error)),
            }
        }
    }

    /// Ends the client's direction of a connection.
    ///
    /// # Errors
    /// A broken harness where the system refuses.
    pub fn shut_down_write(&mut self) -> check::Result {
        self.visit.note("ends its direction");
        self.link.shut_down_write().or_broken("a half-closed connection")
    }

    /// Waits for the end of the connection, and for nothing else.
    ///
    /// # Errors
    /// A failure where a message comes, a timeout where the connection stays open.
    pub fn expect_eof(&mut self) -> check::Result {
        match self.receive()? {
            Some(message) if message.bytes.is_empty() => Ok(()),
            Some(message) => Err(Finding::fail("end of file, and nothing more", excerpt(&message.bytes))),
            None => Err(Finding::timeout("end of file", "the connection stayed open")),
        }
    }

    fn take(&self, buffer: &mut [u8]) -> io::Result<(usize, Option<SocketAddr>)> {
        let (length, sender) = recvfrom::<SockaddrStorage>(self.link.reader().as_raw_fd(), buffer)?;
        Ok((length, sender.as_ref().and_then(internet)))
    }

    /// Linux lets a full queue be waited for; macOS says ENOBUFS and leaves only trying again.
    fn await_room(&self) -> check::Result<Option<()>> {
        if let Some(writer) = self.link.writer() {
            wait(&mut [PollFd::new(writer, PollFlags::POLLOUT)], self.deadlines.quiet())?;
        }
        Ok(None)
    }
}

fn internet(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|&address| SocketAddrV4::from(address).into());
    v4.or_else(|| address.as_sockaddr_in6().map(|&address| SocketAddrV6::from(address).into()))
}

/// Large messages need buffers that hold them whole; where the system caps them, the cap is what we get.
pub(super) fn widen(socket: &Socket) {
    let _ = socket.set_send_buffer_size(LARGEST);
    let _ = socket.set_recv_buffer_size(LARGEST);
}

fn compare(expected: &[u8], actual: &[u8]) -> Result<(), String> {
    if expected == actual {
        return Ok(());
    }
    let common = expected.len().min(actual.len());
    match difference(&expected[..common], &actual[..common], 0) {
        Some(place) => Err(format!("{}: {place}", count(actual.len(), "byte"))),
        None if actual.is_empty() => Err("an empty message".into()),
        None if actual.len() > common => Err(format!(
            "{}, the last of them {}: {} more than were sent",
            count(actual.len(), "byte"),
            excerpt(&actual[common..]),
            actual.len() - common
        )),
        None => Err(format!("only the first {}: the rest was cut off", count(actual.len(), "byte"))),
    }
}

pub(super) fn refused(length: usize, error: &io::Error) -> Finding {
    Finding::fail(format!("a message of {} taken and answered", count(length, "byte")), error.to_string())
}

pub(super) fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(nix::libc::ENOBUFS)
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn a_cut_message_is_told_from_a_changed_one_and_a_stale_tail() {
        assert_eq!(compare(b"hello", b"hel").unwrap_err(), "only the first 3 bytes: the rest was cut off");
        let stale = compare(b"hi", b"hi tail").unwrap_err();
        assert_eq!(stale, "7 bytes, the last of them \" tail\": 5 more than were sent");
        assert!(compare(b"hello", b"hEllo").unwrap_err().contains("at byte 1"));
        assert!(compare(b"", b"").is_ok());
    }
}

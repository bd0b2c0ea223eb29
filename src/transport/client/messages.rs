//! Sending and expecting messages, whose boundaries must be kept.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::Socket;

use super::Client;
use super::connection::is_transient;
use crate::check::{self, Finding};
use crate::deadline::until;
use crate::payload::KIB;
use crate::text::{count_with_noun, describe_difference, excerpt};

/// The size of a buffer that holds the largest message of any transport, and a little more, which a server might
/// append.
pub(super) const MAX_RECEIVED_MESSAGE: usize = 512 * KIB;

/// A message that a client received.
#[derive(Debug)]
pub struct Message {
    /// The content of the message.
    pub bytes: Vec<u8>,
    /// The address that the message came from, if that is an IP address.
    pub sender: Option<SocketAddr>,
}

impl Message {
    /// Verifies that the message consists of exactly `bytes`.
    ///
    /// # Errors
    /// A failure with the first difference, or the wrong length.
    pub fn verify(&self, bytes: &[u8]) -> check::Result {
        compare(bytes, &self.bytes).map_err(|actual| Finding::fail(one_message(bytes), actual).about_echo())
    }
}

fn one_message(bytes: &[u8]) -> String {
    format!("one message of {}", count_with_noun(bytes.len(), "byte"))
}

/// Methods of clients that need [`MESSAGES`](crate::transport::Capabilities::MESSAGES).
impl Client {
    /// Waits for the next message and verifies that it consists of exactly `bytes`.
    ///
    /// # Errors
    /// A failure with the first difference, or the wrong length; a timeout if no message is received.
    pub fn expect_message(&mut self, bytes: &[u8]) -> check::Result<Message> {
        let Some(message) = self.receive()? else {
            let waited = self.deadlines.no_progress().as_secs_f64();
            let finding = Finding::timeout(one_message(bytes), format!("nothing for {waited} s"));
            return Err(finding.about_echo().because((self.hang_diagnosis.0)()));
        };
        message.verify(bytes)?;
        Ok(message)
    }

    /// Sends a message and verifies its echo, which it returns.
    ///
    /// # Errors
    /// Those of [`send`](Client::send) and [`expect_message`](Client::expect_message).
    pub fn exchange_message(&mut self, bytes: &[u8]) -> check::Result<Message> {
        self.require_messages()?;
        self.send_message(bytes)?;
        if self.never_answers() {
            return Err(Finding::unsupported("a message back", "the protocol has no reply"));
        }
        self.expect_message(bytes)
    }

    /// Waits at most [`Deadlines::no_progress`](crate::deadline::Deadlines::no_progress) for the next message.
    ///
    /// # Errors
    /// A failure if the connection is lost.
    pub fn receive(&mut self) -> check::Result<Option<Message>> {
        self.require_messages()?;
        self.poll_for_progress(false, true, self.deadlines.no_progress())?;
        self.receive_within(Duration::ZERO)
    }

    /// Waits at most `limit` for the next message. A message of no bytes can also be the end of a connection.
    ///
    /// # Errors
    /// A failure if the connection is lost.
    pub fn receive_within(&mut self, limit: Duration) -> check::Result<Option<Message>> {
        self.require_messages()?;
        loop {
            if !self.connection.poll(false, true, limit)?.readable {
                return Ok(None);
            }
            match self.connection.read(&mut self.buffer) {
                Ok(received) => {
                    let bytes = &self.buffer[..received.length];
                    let bytes = match &mut self.dialogue {
                        Some(dialogue) => dialogue.verify_message(bytes)?,
                        None => bytes.to_vec(),
                    };
                    return Ok(Some(Message { bytes, sender: received.sender }));
                }
                Err(error) if is_transient(&error) || is_full(&error) => {}
                Err(error) => return Err(refused(0, &error)),
            }
        }
    }

    /// Sends one message if the connection has room for it now. Returns false if there is no room.
    ///
    /// # Errors
    /// A failure if the server is gone.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> check::Result<bool> {
        self.require_messages()?;
        let bytes = &self.message(bytes)?[..];
        match self.connection.write(bytes) {
            Ok(_) => Ok(true),
            Err(error) if is_full(&error) => Ok(false),
            Err(error) => Err(refused(bytes.len(), &error)),
        }
    }

    /// Sends `bytes` as datagrams of `size` bytes with one system call: `UDP_SEGMENT`, udp(7). The bytes are sent
    /// unchanged, whatever the protocol.
    ///
    /// # Errors
    /// `Unsupported` where the system or the transport cannot do that.
    pub(crate) fn send_segments(&mut self, bytes: &[u8], size: usize) -> io::Result<()> {
        self.connection.write_segments(bytes, size)
    }

    /// Returns the message that carries `content` on the wire, without sending it.
    ///
    /// # Errors
    /// Unsupported if the protocol has no request.
    pub(crate) fn encode(&mut self, content: &[u8]) -> check::Result<Vec<u8>> {
        self.message(content).map(Cow::into_owned)
    }

    /// Sends `message` again and again, without reading, until no message was accepted for a while, or `most` were.
    /// Returns how many messages were accepted.
    ///
    /// # Errors
    /// A failure if the server closes the connection.
    pub(crate) fn fill_with_messages(&mut self, message: &[u8], most: usize) -> check::Result<usize> {
        let (mut sent, mut silences) = (0, 0);
        while sent < most && silences < 2 {
            if self.try_send(message)? {
                (sent, silences) = (sent + 1, 0);
            } else if !self.connection.poll(true, false, self.deadlines.quiet())?.writable {
                self.await_reaction()?;
                silences += 1;
            }
        }
        Ok(sent)
    }

    /// Whether a program with default socket buffers, as most servers are, can send a message of `length` bytes over
    /// the transport. macOS allows less than Linux.
    #[must_use]
    pub(crate) fn can_send(&self, length: usize) -> bool {
        let default_buffer = |socket: &Socket| {
            let address = socket.local_addr()?;
            Socket::new(address.domain(), socket.r#type()?, None)?.send_buffer_size()
        };
        let link = &self.connection.link;
        let carried = link.largest().is_none_or(|largest| length <= largest);
        let fits = |socket| default_buffer(socket).unwrap_or_default() >= length + KIB;
        carried && link.as_socket().is_some_and(fits)
    }

    pub(super) fn send_message(&mut self, bytes: &[u8]) -> check::Result {
        let limit = self.deadlines.no_progress();
        let bytes = &self.message(bytes)?[..];
        let sent = until(limit, || match self.connection.write(bytes) {
            Ok(_) => Ok(Some(())),
            Err(error) if is_full(&error) => self.await_room(),
            Err(error) if is_transient(&error) => Ok(None),
            Err(error) => Err(refused(bytes.len(), &error)),
        })?;
        let wanted = format!("room for a message of {}", count_with_noun(bytes.len(), "byte"));
        let actual = format!("the server's queue stayed full for {} s", limit.as_secs_f64());
        sent.ok_or_else(|| Finding::timeout(wanted, actual))
    }

    /// Returns the message that carries `content` on the wire.
    fn message<'a>(&mut self, content: &'a [u8]) -> check::Result<Cow<'a, [u8]>> {
        self.dialogue
            .as_mut()
            .map_or(Ok(content.into()), |dialogue| dialogue.encode_message(content).map(Cow::from))
    }

    /// Waits until the server's queue may have room for a message. On Linux poll(2) reports when a full queue has room.
    /// macOS returns ENOBUFS and can only be asked again.
    fn await_room(&self) -> check::Result<Option<()>> {
        if self.connection.link.output_descriptor().is_some() {
            self.connection.poll(true, false, self.deadlines.quiet())?;
        }
        Ok(None)
    }

    pub(super) fn expect_end_of_messages(&mut self) -> check::Result {
        match self.receive()? {
            Some(message) if message.bytes.is_empty() => Ok(()),
            Some(message) => Err(Finding::fail("end of file, and nothing more", excerpt(&message.bytes))),
            None => Err(Finding::timeout("end of file", "the connection stayed open")),
        }
    }
}

/// Enlarges the buffers of `socket` so that each holds a large message, as far as the system allows.
pub(in crate::transport) fn enlarge_buffers(socket: &Socket) {
    let _ = socket.set_send_buffer_size(MAX_RECEIVED_MESSAGE);
    let _ = socket.set_recv_buffer_size(MAX_RECEIVED_MESSAGE);
}

fn compare(expected: &[u8], actual: &[u8]) -> Result<(), String> {
    if expected == actual {
        return Ok(());
    }
    let common = expected.len().min(actual.len());
    match describe_difference(&expected[..common], &actual[..common], 0) {
        Some(place) => Err(format!("{}: {place}", count_with_noun(actual.len(), "byte"))),
        None if actual.is_empty() => Err("an empty message".into()),
        None if actual.len() > common => Err(format!(
            "{}, the last of them {}: {} more than were sent",
            count_with_noun(actual.len(), "byte"),
            excerpt(&actual[common..]),
            actual.len() - common
        )),
        None => {
            Err(format!("only the first {}: the rest was cut off", count_with_noun(actual.len(), "byte")))
        }
    }
}

fn refused(length: usize, error: &io::Error) -> Finding {
    Finding::fail(
        format!("a message of {} taken and answered", count_with_noun(length, "byte")),
        error.to_string(),
    )
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(nix::libc::ENOBUFS)
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn names_a_cut_a_changed_and_an_extended_message() {
        assert_eq!(compare(b"hello", b"hel").unwrap_err(), "only the first 3 bytes: the rest was cut off");
        let stale = compare(b"hi", b"hi tail").unwrap_err();
        assert_eq!(stale, "7 bytes, the last of them \" tail\": 5 more than were sent");
        assert!(compare(b"hello", b"hEllo").unwrap_err().contains("at byte 1"));
        assert!(compare(b"", b"").is_ok());
    }
}

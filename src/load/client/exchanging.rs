//! Sends requests without waiting, and verifies replies as they arrive.

use std::io;

use super::super::connection::State;
use super::super::exchange::Exchange;
use super::super::record::ErrorKind;
use super::super::script::Way;
use super::super::verify::Verified;
use super::Client;
use crate::protocol::{Codec, Mismatch, ReplyKind};

/// The length up to which a request is gathered in one buffer. A longer one is sent piece by piece, without a copy.
const GATHERED: usize = 16 * 1024;

impl Client<'_> {
    /// Returns a number that no other exchange of the run has.
    pub(super) fn next_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// Sends the request of a connection that is established.
    pub(super) fn send_request(&mut self, index: usize, now: u64) {
        let exchange = Exchange::new(self.next_number());
        let connection = &mut self.connections[index];
        connection.state = State::Busy;
        connection.exchange = exchange;
        connection.since = now;
        connection.sent = 0;
        connection.received = 0;
        connection.reply.reset();
        if let Some(codec) = &mut connection.codec {
            codec.queue_content(&self.task.script.codec_content(&exchange));
        }
        self.write(index);
    }

    /// Sends what is left of the request, as far as the system takes it.
    pub(super) fn write(&mut self, index: usize) {
        let result = if self.connections[index].codec.is_some() {
            self.write_of_codec(index)
        } else if self.connections[index].state == State::Busy {
            self.write_request(index)
        } else {
            Ok(true)
        };
        match result {
            Ok(is_sent) => {
                let keeps = self.task.plan.churn || self.task.script.request_length() > Some(GATHERED);
                if !is_sent || !keeps {
                    self.watch_writable(index, !is_sent);
                }
            }
            Err(error) => self.fail_with(index, &error, "cannot send"),
        }
    }

    /// Sends bytes of a request that is made from known pieces. Returns whether all are sent.
    fn write_request(&mut self, index: usize) -> io::Result<bool> {
        let (Way::Known { request, .. } | Way::Learned { request }) = &self.task.script.way else {
            return Ok(true);
        };
        let content = &self.task.script.content;
        let connection = &mut self.connections[index];
        if connection.sent == request.length() {
            return Ok(true);
        }
        if request.length() <= GATHERED {
            self.request.clear();
            let slices = request.slices(&connection.exchange, content, connection.sent);
            slices.for_each(|slice| self.request.extend_from_slice(slice));
            connection.sent += or_zero(connection.send(&self.request))?;
        } else {
            let mut slices = [io::IoSlice::new(&[]); 8];
            let filled =
                slices.iter_mut().zip(request.slices(&connection.exchange, content, connection.sent));
            let count = filled.map(|(slot, slice)| *slot = io::IoSlice::new(slice)).count();
            connection.sent += or_zero(connection.send_vectored(&slices[..count]))?;
        }
        Ok(connection.sent == request.length())
    }

    /// Sends bytes that the codec has encoded. Returns whether all are sent.
    fn write_of_codec(&mut self, index: usize) -> io::Result<bool> {
        let connection = &mut self.connections[index];
        let Some(mut codec) = connection.codec.take() else { return Ok(true) };
        let sent = loop {
            let bytes = codec.bytes_to_send();
            if bytes.is_empty() {
                break Ok(true);
            }
            match or_zero(connection.send(bytes)) {
                Ok(0) => break Ok(false),
                Ok(sent) => codec.mark_written(sent),
                Err(error) => break Err(error),
            }
        };
        connection.codec = Some(codec);
        sent
    }

    /// Receives and verifies all that has come. With `has_end`, the end of the stream has come too.
    pub(super) fn read(&mut self, index: usize, has_end: bool) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let opened = self.connections[index].opened;
        loop {
            match self.connections[index].receive(&mut buffer) {
                Ok(0) => self.end_of_stream(index),
                Ok(length) => {
                    self.receive(index, &buffer[..length]);
                    // If less came than there was room for, the system has no more: epoll(7), question 9.
                    let is_same = self.connections[index].opened == opened;
                    if (length == buffer.len() || has_end)
                        && is_same
                        && self.connections[index].socket.is_some()
                    {
                        continue;
                    }
                }
                Err(error) if is_temporary(&error) => {}
                Err(error) => self.fail_with(index, &error, "cannot receive"),
            }
            break;
        }
        self.buffer = buffer;
    }

    fn receive(&mut self, index: usize, bytes: &[u8]) {
        let connection = &mut self.connections[index];
        if connection.codec.is_some() {
            return self.receive_by_codec(index, bytes);
        }
        if connection.state != State::Busy {
            return self.fail_unasked(index, bytes);
        }
        connection.received += bytes.len();
        let script = self.task.script;
        match connection.reply.push(script, &connection.exchange, &mut self.memory, bytes) {
            Verified::NeedMore => {}
            Verified::Complete { consumed, .. } if consumed < bytes.len() => {
                self.fail_unasked(index, &bytes[consumed..]);
            }
            Verified::Complete { closes, .. } => self.complete(index, closes),
            Verified::Wrong(mismatch) => self.fail_wrong(index, &mismatch),
        }
    }

    fn receive_by_codec(&mut self, index: usize, bytes: &[u8]) {
        let connection = &mut self.connections[index];
        connection.received += bytes.len();
        let Some(codec) = &mut connection.codec else { return };
        if let Err(wrong) = codec.receive_bytes(bytes) {
            return self.fail(index, ErrorKind::WrongReply, || wrong.to_string());
        }
        if connection.state == State::Opening {
            return self.go_on_opening(index);
        }
        match next_exchange(codec) {
            Some(closes) => self.complete(index, closes),
            None => self.write(index),
        }
    }

    /// Sends what the codec has to say, and leaves the opening if it is complete.
    pub(super) fn go_on_opening(&mut self, index: usize) {
        self.write(index);
        let Some(codec) = &mut self.connections[index].codec else { return };
        while codec.next_correct_reply().is_some() {}
        if codec.count_unanswered() == 0 {
            self.opening_is_done(index);
        }
    }

    /// Handles the end of the stream, which ends the reply or is an error.
    fn end_of_stream(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        if connection.state == State::Idle && !connection.has_request {
            return self.reopen_idle(index);
        }
        if let Some(codec) = &mut connection.codec
            && codec.end_of_stream().is_ok()
            && next_exchange(codec).is_some()
        {
            return self.complete(index, true);
        }
        if connection.state == State::Busy && connection.reply.ends_with_stream() {
            return self.complete(index, true);
        }
        let received = connection.received;
        self.fail(index, ErrorKind::EndOfFile, || match received {
            0 => "the server closed the connection instead of replying".into(),
            _ => format!("the server closed the connection after {received} bytes of the reply"),
        });
    }

    fn fail_unasked(&mut self, index: usize, bytes: &[u8]) {
        let shown = bytes[..bytes.len().min(24)].escape_ascii();
        self.fail(index, ErrorKind::WrongReply, || {
            format!("the server sent bytes that no request asked for: `{shown}`")
        });
    }

    fn fail_wrong(&mut self, index: usize, mismatch: &Mismatch) {
        let owner = self.find_owner(index, &mismatch.found);
        self.fail(index, ErrorKind::WrongReply, || match owner {
            Some(owner) => {
                format!("{mismatch}; these bytes belong to the request of connection {owner}, not {index}")
            }
            None => mismatch.to_string(),
        });
    }

    /// Returns the other connection of this thread whose token begins `bytes`.
    fn find_owner(&self, index: usize, bytes: &[u8]) -> Option<usize> {
        let is_owner = |other: &usize| {
            let connection = &self.connections[*other];
            let is_other = *other != index && connection.state == State::Busy;
            is_other && bytes.starts_with(connection.exchange.token.as_bytes())
        };
        (0..self.opened).find(is_owner)
    }
}

/// Takes the reply to the client's own request from a codec. Returns whether the connection closes after it.
fn next_exchange(codec: &mut Codec) -> Option<bool> {
    std::iter::from_fn(|| codec.next_correct_reply())
        .find(|reply| reply.part == ReplyKind::Exchange)
        .map(|reply| reply.reply.closes)
}

fn or_zero(sent: io::Result<usize>) -> io::Result<usize> {
    match sent {
        Err(error) if is_temporary(&error) => Ok(0),
        sent => sent,
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

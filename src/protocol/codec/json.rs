//! The replies of a protocol of JSON, in any order and among other messages.

use super::{Codec, Due, Tolerance, WrongReply};
use crate::protocol::definition::Protocol;
use crate::protocol::json::{Splitter, Unit, Value, compare, parse, parse_decorated, unasked};
use crate::protocol::mismatch::Mismatch;
use crate::protocol::reply::Reply;

/// The maximum number of stray bytes, which belong to no JSON message, that a codec keeps.
const KEPT: usize = 4096;

/// The maximum number of bytes of a JSON message that is written on several lines.
const LONGEST: usize = 64 * 1024;

/// The state of a JSON connection besides its replies: messages that the server sends by itself, and stray bytes.
#[derive(Debug)]
pub(super) struct Messages {
    splitter: Splitter,
    /// Answers to requests of the server that are not yet encoded.
    answers: Vec<u8>,
    /// The number of messages that the server sent by itself, without a request.
    pub unasked: u64,
    pub tolerance: Tolerance,
    /// Whether the client accepts answers to its notifications.
    pub accepts_answers: bool,
    /// The number of answers to notifications that the client has accepted.
    pub accepted_answers: u64,
    /// Whether the client leaves the server's own requests unanswered.
    pub withholds: bool,
    /// The number of requests that the server made to the client.
    pub requests: u64,
    /// Received lines that may be parts of one JSON message.
    pieces: Vec<u8>,
    pub strays: Vec<u8>,
}

impl Messages {
    pub fn of(protocol: &Protocol) -> Option<Messages> {
        let envelope = protocol.envelope?;
        Some(Messages {
            splitter: Splitter::new(envelope),
            answers: Vec::new(),
            unasked: 0,
            tolerance: Tolerance::None,
            accepts_answers: false,
            accepted_answers: 0,
            withholds: false,
            requests: 0,
            pieces: Vec::new(),
            strays: Vec::new(),
        })
    }

    pub fn has_answers(&self) -> bool {
        !self.answers.is_empty()
    }

    /// Returns the number of bytes received of an unfinished JSON message.
    pub fn partial(&self) -> u64 {
        self.splitter.rest().len() as u64
    }

    /// Returns the JSON value in a wrong message: in `unit` alone, or in `unit` and the lines before it.
    fn value_in_pieces(&mut self, unit: &Unit) -> Option<Value> {
        if unit.raw.starts_with(b"{") || self.pieces.len() > LONGEST {
            self.pieces.clear();
        }
        self.pieces.extend_from_slice(&unit.raw);
        let body = unit.body.clone().unwrap_or_default();
        let value = parse_decorated(&unit.raw[body]).or_else(|| parse_decorated(&self.pieces));
        if value.is_some() {
            self.pieces.clear();
        }
        value
    }

    fn keep_stray(&mut self, bytes: &[u8]) {
        let room = KEPT.saturating_sub(self.strays.len());
        self.strays.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

impl Codec {
    /// Makes the codec report bytes that `tolerance` covers as [stray](Codec::strays), instead of as an error. Does
    /// nothing if the protocol is not one of JSON.
    pub fn tolerate(&mut self, tolerance: Tolerance) {
        if let Some(messages) = &mut self.messages {
            messages.tolerance = tolerance;
        }
    }

    /// Sets whether the codec accepts answers of JSON-RPC without an id, as faulty servers send to notifications.
    pub fn accept_answers_to_notifications(&mut self, accepts: bool) {
        if let Some(messages) = &mut self.messages {
            messages.accepts_answers = accepts;
        }
    }

    /// Returns how many answers to notifications the codec has accepted.
    #[must_use]
    pub fn answered_notifications(&self) -> u64 {
        self.messages.as_ref().map_or(0, |messages| messages.accepted_answers)
    }

    /// Makes the codec accept an end of the stream that leaves replies unfinished or missing.
    pub fn tolerate_cut(&mut self) {
        self.may_be_cut = true;
    }

    /// Makes the codec leave the server's own requests unanswered.
    pub fn withhold_answers(&mut self) {
        if let Some(messages) = &mut self.messages {
            messages.withholds = true;
        }
    }

    /// Returns how many requests the server has made to the client.
    #[must_use]
    pub fn request_count_of_server(&self) -> u64 {
        self.messages.as_ref().map_or(0, |messages| messages.requests)
    }

    /// Returns how many messages the server has sent by itself: notifications, and requests of its own.
    #[must_use]
    pub fn unasked_count(&self) -> u64 {
        self.messages.as_ref().map_or(0, |messages| messages.unasked)
    }

    /// Returns the first bytes received that were no JSON message, if the codec tolerates such bytes.
    #[must_use]
    pub fn strays(&self) -> &[u8] {
        self.messages.as_ref().map_or(&[], |messages| &messages.strays)
    }

    /// Whether the server waits for the answer to a request of its own, and the answer can be written now: not in the
    /// middle of a request.
    #[must_use]
    pub fn must_answer(&self) -> bool {
        let waiting = self.messages.as_ref().is_some_and(Messages::has_answers);
        waiting && self.written == self.outgoing.len()
    }

    pub(super) fn feed_messages(&mut self, bytes: &[u8]) -> Result<(), WrongReply> {
        if let Some(messages) = &mut self.messages {
            messages.splitter.push(bytes);
        }
        while let Some(unit) = self.messages.as_mut().and_then(|messages| messages.splitter.next_unit()) {
            self.take_unit(&unit)?;
        }
        Ok(())
    }

    fn take_unit(&mut self, unit: &Unit) -> Result<(), WrongReply> {
        let Some(messages) = &mut self.messages else { return Ok(()) };
        let value = match parse(unit, messages.splitter.envelope()) {
            Ok(value) => value,
            Err(_) if messages.tolerance >= Tolerance::Strays => {
                messages.keep_stray(&unit.raw);
                match messages.value_in_pieces(unit) {
                    Some(value) => value,
                    None => return Ok(()),
                }
            }
            Err(mismatch) => return Err(self.wrong_message(mismatch, None)),
        };
        // A request of the server may have the number of one of ours, so it is recognised by its shape.
        if let Some(kind) = self.protocol.incoming.iter().find(|kind| kind.matches(&value)) {
            messages.unasked += 1;
            let answer = kind.answer(&value, messages.splitter.envelope());
            messages.requests += u64::from(answer.is_some());
            messages.answers.extend(answer.filter(|_| !messages.withholds).unwrap_or_default());
            return Ok(());
        }
        self.take_reply(unit, &value)
    }

    fn take_reply(&mut self, unit: &Unit, value: &Value) -> Result<(), WrongReply> {
        let asked =
            |due: &Due| due.reply.is_none() && due.expected.json.as_ref().is_some_and(|it| it.belongs(value));
        let Some(index) = self.due.iter().position(asked) else {
            if let Some(messages) = self.messages.as_mut().filter(|it| it.accepts_answers)
                && value.is_answer_without_id()
            {
                messages.accepted_answers += 1;
                return Ok(());
            }
            if let Some(messages) = self.messages.as_mut().filter(|it| it.tolerance == Tolerance::Anything) {
                messages.keep_stray(&unit.raw);
                return Ok(());
            }
            return Err(WrongReply { unasked: true, ..self.wrong_message(unasked(&unit.raw), None) });
        };
        let due = &self.due[index];
        let compared = due.expected.json.as_ref().map_or(Ok(()), |reply| compare(reply, value, &unit.raw));
        if let Err(mismatch) = compared {
            return Err(self.wrong_message(mismatch, Some(index)));
        }
        let early = due.end > self.total_written;
        let bytes = unit.raw[..unit.raw.len().min(self.keep)].to_vec();
        let reply = Reply { length: unit.raw.len() as u64, status: None, closes: false, bytes };
        self.due[index].reply = Some((reply, early));
        self.replies += 1;
        self.complete_requests_without_reply();
        Ok(())
    }

    /// Handles the end of the stream of JSON messages. An unfinished message and a missing reply are errors.
    pub(super) fn end_messages(&mut self) -> Result<(), WrongReply> {
        let Some(messages) = &mut self.messages else { return Ok(()) };
        let rest = messages.splitter.rest().to_vec();
        if messages.tolerance >= Tolerance::Strays {
            messages.keep_stray(&rest);
            return Ok(());
        }
        let waiting = self.due.iter().position(|due| due.reply.is_none() && !due.expected.is_nothing());
        if rest.is_empty() && waiting.is_none() {
            return Ok(());
        }
        let expected = if rest.is_empty() { "a reply" } else { "the rest of the message" };
        let mismatch = Mismatch {
            offset: rest.len() as u64,
            expected: expected.into(),
            expected_bytes: Vec::new(),
            before: rest[rest.len().saturating_sub(24)..].to_vec(),
            found: Vec::new(),
            pointer: None,
        };
        Err(self.wrong_message(mismatch, waiting))
    }

    /// Moves the answers to the server's own requests into the bytes that the client writes next.
    pub(super) fn encode_answers(&mut self) {
        let Some(messages) = &mut self.messages else { return };
        self.total_encoded += messages.answers.len() as u64;
        self.outgoing.append(&mut messages.answers);
    }

    fn wrong_message(&self, mismatch: Mismatch, index: Option<usize>) -> WrongReply {
        let request = index.and_then(|index| self.due.get(index)).map(|due| due.request.clone());
        let unasked = index.is_none() && self.due.is_empty();
        WrongReply { unasked, request: request.unwrap_or_default(), ..self.wrong(mismatch) }
    }
}

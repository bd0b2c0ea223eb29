//! A protocol other than echo: the content that a check sends becomes requests, and verified replies become that
//! content again. So a check compares content, whatever the bytes on the wire are.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::check::{self, Finding};
use crate::protocol::{Codec, Mismatch, Protocol, ReplyKind, Request, Tokens, Turn, WrongReply};

/// One client's side of a protocol other than echo, over a stream or over messages.
#[derive(Debug)]
pub(super) struct Dialogue {
    protocol: Arc<Protocol>,
    /// The codec of requests and replies on a stream.
    pub codec: Codec,
    /// The requests that the client sent as messages and that are not yet answered. Replies may arrive in any order.
    asked: VecDeque<Request>,
    /// Whether a reply, right or wrong, began before all of its request was sent.
    pub early: bool,
    /// The status of the last reply, if it was an HTTP response.
    pub status: Option<u16>,
    /// The bytes of the replies received, if the codec keeps them.
    pub kept: Vec<Vec<u8>>,
    /// Whether the server has answered a request. A greeting and the opening of the protocol do not count.
    pub has_answer: bool,
}

impl Dialogue {
    /// Returns the dialogue of a new client. Without `pipelining` a request waits for the reply to the one before.
    pub fn new(protocol: Arc<Protocol>, tokens: Tokens, pipelining: bool) -> Dialogue {
        let codec = Codec::new(protocol.clone(), tokens).pipelining(pipelining);
        Dialogue {
            protocol,
            codec,
            asked: VecDeque::new(),
            early: false,
            status: None,
            kept: Vec::new(),
            has_answer: false,
        }
    }

    /// Decodes bytes received from a stream. Returns the content of the requests that these bytes answer.
    pub fn receive(&mut self, bytes: &[u8]) -> check::Result<Vec<u8>> {
        let fed = if bytes.is_empty() { self.codec.end_of_stream() } else { self.codec.receive_bytes(bytes) };
        self.early |= fed.as_ref().is_err_and(|wrong| wrong.early);
        let greets = self.protocol.greeting().is_some();
        fed.map_err(|wrong| {
            let announced = self.closed_as_announced().filter(|_| wrong.is_absent());
            announced.unwrap_or_else(|| wrong_reply(&wrong, greets))
        })?;
        Ok(self.answered_content())
    }

    /// Returns the finding that the server need not answer the requests which are due, because an earlier reply has
    /// announced that the server closes the connection. `None` if no reply has, or if no request is due.
    pub fn closed_as_announced(&self) -> Option<Finding> {
        let number = self.codec.closing_reply().filter(|_| self.codec.count_unanswered() > 0)?;
        let actual = format!("reply {number} announces that the server closes the connection after it");
        Some(Finding::unsupported("a connection that stays open for more requests", actual))
    }

    /// Returns the content of the requests that have been answered, or need no answer and have been written.
    pub fn answered_content(&mut self) -> Vec<u8> {
        let mut content = Vec::new();
        while let Some(answer) = self.codec.next_correct_reply() {
            self.early |= answer.early;
            self.status = answer.reply.status;
            if !answer.reply.bytes.is_empty() {
                self.kept.push(answer.reply.bytes);
            }
            if answer.part == ReplyKind::Exchange {
                self.has_answer = true;
                content.extend_from_slice(&answer.content);
            }
        }
        content
    }

    /// Whether the server answers no request of the protocol, so that only its reading can be seen.
    pub fn never_answers(&self) -> bool {
        self.protocol.never_answers()
    }

    /// Whether replies repeat the content of their requests.
    pub fn repeats_content(&self) -> bool {
        self.protocol.only_greets() || self.protocol.turns().iter().any(Turn::carries_payload)
    }

    /// Whether the server greets its clients, and answers no request.
    pub fn only_greets(&self) -> bool {
        self.protocol.only_greets()
    }

    /// Says whether the client sends requests before earlier ones are answered.
    pub fn pipelining(self, pipelining: bool) -> Dialogue {
        Dialogue { codec: self.codec.pipelining(pipelining), ..self }
    }

    /// Queues a request of the protocol's turn number `turn`. Its reply counts as the answer to `content`, even if the
    /// request does not carry the content.
    pub fn queue_request(&mut self, turn: usize, content: &[u8]) -> check::Result<Request> {
        let protocol = self.protocol.clone();
        let turn = protocol.turns().get(turn);
        let turn = turn.ok_or_else(|| Finding::unsupported("a request", "the protocol has none"))?;
        Ok(self.queue_request_of(turn, content))
    }

    /// Queues a request of `turn`. Its reply counts as the answer to `content`, even if the request does not carry the
    /// content.
    pub fn queue_request_of(&mut self, turn: &Turn, content: &[u8]) -> Request {
        let request = turn.new_request(self.codec.next_token(), Some(content.into()));
        self.codec.queue_request(request.clone());
        request
    }

    /// Queues a request of `turn` in the form that `write` gives it. Its reply counts as the answer to `content`.
    pub fn queue_written(&mut self, turn: &Turn, content: &[u8], write: impl FnOnce(&Request) -> Vec<u8>) {
        let request = turn.new_request(self.codec.next_token(), Some(content.into()));
        let bytes = write(&request);
        self.codec.queue_request(request.written_as(bytes));
    }

    /// Queues a request of `turn`, whose reply counts as the answer to `content`.
    pub fn queue_turn(&mut self, turn: &Turn, content: &[u8]) {
        let request = turn.new_request(self.codec.next_token(), Some(content.into()));
        self.codec.queue_request(request);
    }

    /// Encodes a request as one message. Its reply counts as the answer to `content`, even if the request does not
    /// carry the content.
    pub fn encode_message(&mut self, content: &[u8]) -> check::Result<Vec<u8>> {
        let token = self.codec.next_token();
        let turn = self.protocol.payload_turn().or_else(|| self.protocol.turns().first());
        let turn = turn.ok_or_else(|| Finding::unsupported("a request", "the protocol has none"))?;
        let request = turn.new_request(token, Some(content.into()));
        let message = request.message().to_vec();
        self.asked.push_back(request);
        Ok(message)
    }

    /// Verifies a received message. Returns the content of the request that this message answers.
    pub fn verify_message(&mut self, message: &[u8]) -> check::Result<Vec<u8>> {
        let mut first = None;
        for (place, request) in self.asked.iter().enumerate() {
            match request.expected().match_message(message) {
                Ok(_) => {
                    let request = self.asked.remove(place);
                    return Ok(request.map(|request| request.payload().to_vec()).unwrap_or_default());
                }
                Err(mismatch) => first = first.or(Some(mismatch)),
            }
        }
        Err(first.map_or_else(
            || Finding::fail("no message that was not asked for", message.escape_ascii().to_string()),
            |mismatch| wrong_message(&mismatch),
        ))
    }
}

fn wrong_reply(wrong: &WrongReply, greets: bool) -> Finding {
    let wanted = match (wrong.unasked, wrong.request.is_empty()) {
        (true, _) => "nothing that no request asked for".to_owned(),
        (_, true) if greets => format!("the server's greeting: {}", wrong.mismatch.expected),
        (_, true) => format!("a message of the protocol: {}", wrong.mismatch.expected),
        _ => format!("the reply to \"{}\": {}", wrong.first_line_of_request(), wrong.mismatch.expected),
    };
    Finding::fail(wanted, format!("{wrong}\n{}", wrong.mismatch.render()))
}

fn wrong_message(mismatch: &Mismatch) -> Finding {
    Finding::fail(format!("a reply with {}", mismatch.expected), format!("{mismatch}\n{}", mismatch.render()))
}

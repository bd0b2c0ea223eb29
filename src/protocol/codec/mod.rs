//! One client's side of a connection: the requests it has sent and the replies that are due.

mod answer;
mod json;
mod progress;
mod receiving;

use std::collections::VecDeque;
use std::sync::Arc;

pub use self::answer::{CorrectReply, ReplyKind, Tolerance, WrongReply};
use self::json::Messages;
use super::definition::Protocol;
use super::reply::{ExpectedReply, Reply, ReplyMatcher};
use super::token::{Token, Tokens};
use super::turn::{Request, Turn};

/// The maximum number of bytes of content in one request, if its protocol sets no limit.
const CHUNK: usize = 256 * 1024;

/// The number of bytes up to which the codec gathers requests for one write.
const GATHERED: usize = 16 * 1024;

/// The maximum number of bytes of a request that a report shows.
const SHOWN: usize = 64;

/// Encodes the requests that one client sends, and decodes the replies that it awaits. The codec itself does no input
/// or output.
///
/// Content goes in through [`queue_content`](Codec::queue_content). It comes out of
/// [`next_correct_reply`](Codec::next_correct_reply) once the server has replied to the request that carried it. A
/// client of any protocol is therefore used as a client of an echo server is. Greeting and opening come first and by
/// themselves.
#[derive(Debug)]
pub struct Codec {
    protocol: Arc<Protocol>,
    tokens: Tokens,
    pipelining: bool,
    keep: usize,
    /// The content and requests that the codec has queued and not yet encoded.
    waiting: VecDeque<Waiting>,
    /// The number of waiting requests that belong to the opening of the connection. These requests come first.
    openings: usize,
    /// The requests that the codec has encoded and that are not yet answered.
    due: VecDeque<Due>,
    outgoing: Vec<u8>,
    /// The number of bytes of the codec's output buffer that the client has written.
    written: usize,
    total_encoded: u64,
    total_written: u64,
    /// The position of the last request's end among all encoded bytes. Answers to the server may follow the request.
    requests_end: u64,
    matcher: Option<ReplyMatcher>,
    /// The place in `due` of the request whose reply the matcher expects.
    reading: usize,
    /// The bytes of the reply that the matcher reads, if replies come in any order.
    partial: Vec<u8>,
    replies: u64,
    answers: VecDeque<CorrectReply>,
    /// Whether the end of the stream may cut replies off without an error.
    may_be_cut: bool,
    /// The number of the reply that announced the end of the connection. No reply after it is due.
    closed_by: Option<u64>,
    /// The messages besides replies; `None` unless the protocol is one of JSON.
    messages: Option<Messages>,
}

#[derive(Debug)]
enum Waiting {
    Content(Arc<[u8]>),
    Request(Box<Request>),
}

#[derive(Debug)]
struct Due {
    part: ReplyKind,
    expected: ExpectedReply,
    content: Arc<[u8]>,
    token: Option<Token>,
    request: Vec<u8>,
    /// The position of the request's end among all bytes that the client has encoded.
    end: u64,
    /// The reply to this request and whether it began early, if it came before the replies to earlier requests.
    reply: Option<(Reply, bool)>,
}

impl Codec {
    /// Returns the codec of a new connection. It awaits the greeting and then sends the opening, if there are any.
    #[must_use]
    pub fn new(protocol: Arc<Protocol>, tokens: Tokens) -> Codec {
        let mut codec = Codec {
            pipelining: protocol.allows_pipelining() == Some(true),
            messages: Messages::of(&protocol),
            may_be_cut: false,
            closed_by: None,
            protocol,
            tokens,
            keep: 0,
            waiting: VecDeque::new(),
            openings: 0,
            due: VecDeque::new(),
            outgoing: Vec::new(),
            written: 0,
            total_encoded: 0,
            total_written: 0,
            requests_end: 0,
            matcher: None,
            reading: 0,
            partial: Vec::new(),
            replies: 0,
            answers: VecDeque::new(),
        };
        if let Some(expected) = codec.protocol.greeting() {
            codec.due.push_back(Due {
                part: ReplyKind::Greeting,
                expected,
                content: [].into(),
                token: None,
                request: Vec::new(),
                end: 0,
                reply: None,
            });
        }
        for turn in codec.protocol.clone().opening_exchanges() {
            let request = turn.new_request(codec.tokens.next_token(), None);
            codec.waiting.push_back(Waiting::Request(Box::new(request)));
        }
        codec.openings = codec.waiting.len();
        codec
    }

    /// Sets whether the client sends requests before earlier ones are answered. By default the protocol file decides.
    #[must_use]
    pub fn pipelining(self, pipelining: bool) -> Codec {
        Codec { pipelining, ..self }
    }

    /// Makes the codec keep the first `limit` bytes of each reply for its [`CorrectReply`].
    pub fn keep_replies(&mut self, limit: usize) {
        self.keep = limit;
    }

    /// Queues requests that carry `content`, in pieces that each fit into one request.
    ///
    /// Where requests carry nothing, one request stands for all of it. Where there are no requests, the greeting stands
    /// for the reply.
    pub fn queue_content(&mut self, content: &[u8]) {
        if self.protocol.only_greets() {
            return self.say_to_greeting(content);
        }
        let length = match self.protocol.payload_turn() {
            Some(turn) => turn.max_payload().map_or(CHUNK, |most| CHUNK.min(most as usize)).max(1),
            None => content.len().max(1),
        };
        if content.is_empty() {
            self.waiting.push_back(Waiting::Content([].into()));
        }
        for chunk in content.chunks(length) {
            self.waiting.push_back(Waiting::Content(chunk.into()));
        }
    }

    /// Whether [`queue_content`](Codec::queue_content) sends `content` as one request of turn number `turn`.
    #[must_use]
    pub(crate) fn sends_content_as(&self, turn: usize, content: &[u8]) -> bool {
        let carrier = self.protocol.turns().iter().position(Turn::carries_payload);
        let most = self.protocol.payload_turn().and_then(Turn::max_payload).unwrap_or(CHUNK as u64);
        carrier == Some(turn) && content.len() <= CHUNK.min(most as usize)
    }

    fn say_to_greeting(&mut self, content: &[u8]) {
        if let Some(due) = self.due.front_mut().filter(|due| due.part == ReplyKind::Greeting) {
            (due.part, due.content) = (ReplyKind::Exchange, content.into());
        }
    }

    /// Drops queued content that no request carries yet, and returns its length.
    pub fn drop_queued_content(&mut self) -> usize {
        let withdrawn = std::mem::take(&mut self.waiting);
        let length = |waiting: &Waiting| match waiting {
            Waiting::Content(content) => content.len(),
            Waiting::Request(_) => 0,
        };
        withdrawn.iter().map(length).sum()
    }

    /// Queues a request that the caller has made.
    pub fn queue_request(&mut self, request: Request) {
        self.waiting.push_back(Waiting::Request(Box::new(request)));
    }

    /// Returns a token that no other exchange of this client has.
    pub fn next_token(&mut self) -> Token {
        self.tokens.next_token()
    }

    /// Returns the encoded bytes that the client may write now. Empty while the next request has to wait for a reply.
    pub fn bytes_to_send(&mut self) -> &[u8] {
        if self.written == self.outgoing.len() {
            self.outgoing.clear();
            self.written = 0;
            self.encode_answers();
            self.encode();
        }
        &self.outgoing[self.written..]
    }

    /// Notes that the first `length` bytes of [`bytes_to_send`](Codec::bytes_to_send) are written.
    pub fn mark_written(&mut self, length: usize) {
        self.written += length;
        self.total_written += length as u64;
        self.complete_requests_without_reply();
    }

    /// Returns the next correct reply, in the order of the requests.
    pub fn next_correct_reply(&mut self) -> Option<CorrectReply> {
        self.answers.pop_front()
    }

    /// Encodes the queued requests that may be sent now.
    fn encode(&mut self) {
        while self.outgoing.len() < GATHERED && self.may_begin() {
            let Some(waiting) = self.waiting.pop_front() else { return };
            let part = if self.openings > 0 { ReplyKind::Opening } else { ReplyKind::Exchange };
            self.openings = self.openings.saturating_sub(1);
            let (request, content) = match waiting {
                Waiting::Request(request) => {
                    let content = request.payload().clone();
                    (*request, content)
                }
                Waiting::Content(content) => match self.request_for(&content) {
                    Some(request) => (request, content),
                    None => continue,
                },
            };
            self.outgoing.extend_from_slice(request.bytes());
            self.total_encoded += request.bytes().len() as u64;
            self.requests_end = self.total_encoded;
            self.due.push_back(Due {
                part,
                expected: request.expected().clone(),
                content,
                token: Some(request.token()),
                request: request.bytes()[..request.bytes().len().min(SHOWN)].to_vec(),
                end: self.total_encoded,
                reply: None,
            });
        }
    }

    /// Returns whether the next request may be sent although earlier ones are not yet answered.
    fn may_begin(&self) -> bool {
        // The greeting and the opening come before every exchange.
        let begun = self.due.front().is_none_or(|due| due.part == ReplyKind::Exchange);
        self.due.is_empty() || (self.pipelining && begun && self.openings == 0)
    }

    fn request_for(&mut self, content: &Arc<[u8]>) -> Option<Request> {
        let token = self.tokens.next_token();
        match self.protocol.payload_turn() {
            Some(turn) if content.is_empty() => Some(turn.new_request(token, None)),
            Some(turn) => Some(turn.new_request(token, Some(content.clone()))),
            None => self.protocol.turns().first().map(|turn: &Turn| turn.new_request(token, None)),
        }
    }

    /// Hands out the replies that have come, in the order of their requests, and answers requests that have no reply,
    /// once they are written.
    fn complete_requests_without_reply(&mut self) {
        while let Some(due) = self.due.front() {
            let nothing = due.expected.is_nothing() && due.end <= self.total_written;
            if due.reply.is_none() && !nothing {
                return;
            }
            let Some(Due { part, content, token, reply, .. }) = self.due.pop_front() else { return };
            self.reading = self.reading.saturating_sub(1);
            let none = || (Reply { length: 0, status: None, closes: false, bytes: Vec::new() }, false);
            self.replies += u64::from(reply.is_none());
            let (reply, early) = reply.unwrap_or_else(none);
            self.answers.push_back(CorrectReply { part, content, token, reply, early });
        }
    }
}

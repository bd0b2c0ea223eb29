//! A protocol: what a client says, and what must come back.

use std::fmt;
use std::sync::Arc;

use super::json::{
    Envelope, Incoming, JsonPattern, JsonReply, Splitter, Stray, find_carriage_return, find_stray, parse,
};
use super::pattern::Pattern;
use super::reply::{ExpectedReply, ReplyEndRule, ReplyTemplate};
use super::token::Token;
use super::turn::{Request, Turn};

/// A protocol: the requests of a client, and the replies that a server must send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) over: Vec<TransportKind>,
    pub(super) greeting: Option<ReplyTemplate>,
    pub(super) opening: Vec<Turn>,
    pub(super) turns: Vec<Turn>,
    pub(super) long: Option<Turn>,
    pub(super) goodbye: Vec<Turn>,
    /// The status with which the server exits after the goodbye.
    pub(super) goodbye_status: Option<u8>,
    /// The status with which the server exits after the last message of the goodbye, without those before it.
    pub(super) short_goodbye_status: Option<u8>,
    /// The framing of the protocol's messages, if they are JSON.
    pub(super) envelope: Option<Envelope>,
    /// The messages that the server may send by itself.
    pub(super) incoming: Vec<Incoming>,
    /// The requests that the server must refuse, each with its error as the reply.
    pub(super) refused: Vec<Turn>,
    /// The message that cancels a request, with the reply that the cancelled request still gets.
    pub(super) cancel: Option<Turn>,
    pub(super) declared: DeclaredProperties,
    /// Whether a server may send its replies in another order than that of the requests. A reply belongs to the first
    /// request that it matches.
    pub(super) any_order: bool,
    /// Whether the server keeps the payload of each request, as a cache does.
    pub(super) keeps_payload: bool,
    pub(super) settings: Vec<(String, String)>,
    pub(super) identity: bool,
}

/// A kind of transport that carries a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportKind {
    /// The transport carries a byte stream: TCP, Unix stream sockets, pipes.
    Stream,
    /// The transport carries messages: UDP, Unix datagram sockets.
    Message,
}

impl TransportKind {
    pub(super) const ALL: [TransportKind; 2] = [TransportKind::Stream, TransportKind::Message];

    /// Returns the word for this kind of transport in protocol files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TransportKind::Stream => "stream",
            TransportKind::Message => "message",
        }
    }
}

impl fmt::Display for TransportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The properties of servers that a protocol file declares. For a property that is `None`, echospec asks the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeclaredProperties {
    /// Whether the server keeps the connection open after a reply.
    pub keep_alive: Option<bool>,
    /// Whether a client may send requests before earlier ones are answered.
    pub pipelining: Option<bool>,
    /// Whether the server answers a request whose sender has shut down its side of the connection.
    pub half_close: Option<bool>,
}

impl Protocol {
    /// Returns the name of the protocol.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns a description of the protocol in one line.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.about
    }

    /// Whether the protocol can run over transports of the kind `carrier`.
    #[must_use]
    pub fn runs_over(&self, carrier: TransportKind) -> bool {
        self.over.contains(&carrier)
    }

    /// Returns the names and values of the protocol's settings.
    #[must_use]
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// Returns the greeting that the server sends as soon as a client connects, if there is one.
    #[must_use]
    pub fn greeting(&self) -> Option<ExpectedReply> {
        let token = Token::new(0);
        self.greeting.as_ref().map(|reply| ExpectedReply {
            pattern: Arc::new(Pattern::new(&reply.template, &token, &[].into())),
            frame: reply.frame,
            head_request: false,
            json: match reply.frame {
                ReplyEndRule::Json(_) => JsonPattern::parse(&reply.template.json_pattern(&token, &[]).0)
                    .ok()
                    .map(|pattern| Arc::new(JsonReply { pattern, token })),
                _ => None,
            },
        })
    }

    /// Returns the exchanges that begin each connection.
    #[must_use]
    pub fn opening_exchanges(&self) -> &[Turn] {
        &self.opening
    }

    /// Returns the exchanges that a client repeats in any order. The first is the usual one.
    #[must_use]
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// Returns the exchange whose reply is long, if the protocol has one.
    #[must_use]
    pub fn long_exchange(&self) -> Option<&Turn> {
        self.long.as_ref()
    }

    /// Returns the exchanges that end a connection, if the protocol has any.
    #[must_use]
    pub fn closing_exchange(&self) -> &[Turn] {
        &self.goodbye
    }

    /// Returns the status with which a server on standard input and output must exit after the closing exchange, if the
    /// protocol demands one.
    #[must_use]
    pub fn goodbye_status(&self) -> Option<u8> {
        self.goodbye_status
    }

    /// Returns the status with which a server on standard input and output must exit after the last message of the
    /// closing exchange alone, if the protocol demands one.
    #[must_use]
    pub(crate) fn short_goodbye_status(&self) -> Option<u8> {
        self.short_goodbye_status
    }

    /// Returns the requests that the server must refuse, each with the error that is its reply.
    #[must_use]
    pub fn refused(&self) -> &[Turn] {
        &self.refused
    }

    /// Returns the message that cancels a request, if the protocol has one: it is made with the token of that request.
    /// If it has a reply, a cancelled request must be answered all the same.
    #[must_use]
    pub(crate) fn cancellation(&self) -> Option<&Turn> {
        self.cancel.as_ref()
    }

    /// Returns the protocol with `pid` in the place of this process's id, or `None` if its opening holds no `{pid}`.
    #[must_use]
    pub fn naming_process(&self, pid: u32) -> Option<Protocol> {
        let mut protocol = self.clone();
        let replaced: usize = protocol.opening.iter_mut().map(|turn| turn.send.set_pid(pid)).sum();
        (replaced > 0).then_some(protocol)
    }

    /// Returns the protocol without the places of its turns in the file.
    pub(super) fn without_places(mut self) -> Protocol {
        let turns = self.opening.iter_mut().chain(&mut self.turns).chain(&mut self.long);
        turns.chain(&mut self.goodbye).for_each(|turn| turn.place = None);
        self
    }

    /// Whether the replies of the protocol are responses of HTTP/1.1.
    #[must_use]
    pub(crate) fn is_http(&self) -> bool {
        !self.turns.is_empty()
            && self.turns.iter().all(|turn| matches!(turn.reply.frame, ReplyEndRule::Http(_)))
    }

    /// Whether all messages of the protocol, in both directions, are JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.envelope.is_some()
    }

    /// Whether the messages of the protocol are those of JSON-RPC 2.0.
    #[must_use]
    pub(crate) fn is_json_rpc(&self) -> bool {
        let first = self.turns.first().filter(|_| self.is_json());
        let request = first.map(|turn| turn.new_request(Token::new(0), Some([].into())));
        request.is_some_and(|request| request.bytes().windows(9).any(|bytes| bytes == b"\"jsonrpc\""))
    }

    /// Whether each message of the protocol is one line of JSON.
    #[must_use]
    pub(crate) fn is_lines_of_json(&self) -> bool {
        self.envelope == Some(Envelope::Lines)
    }

    /// Returns the number of replies to `request` in a server's `output`, if the protocol is one of JSON.
    #[must_use]
    pub(crate) fn count_replies(&self, output: &[u8], request: &Request) -> usize {
        let (Some(envelope), Some(reply)) = (self.envelope, &request.expected().json) else { return 0 };
        let mut splitter = Splitter::new(envelope);
        splitter.push(output);
        let values =
            std::iter::from_fn(|| splitter.next_unit()).filter_map(|unit| parse(&unit, envelope).ok());
        values
            .filter(|value| !self.incoming.iter().any(|kind| kind.matches(value)) && reply.belongs(value))
            .count()
    }

    /// Returns the bytes that carry `body`, a JSON text, as one message. Returns `body` unchanged if the protocol is
    /// not one of JSON.
    #[must_use]
    pub fn wrap_json(&self, body: &[u8]) -> Vec<u8> {
        self.envelope.map_or_else(|| body.to_vec(), |envelope| envelope.wrap(body))
    }

    /// Returns the first bytes of a server's `output` that are no JSON message, if the protocol is one of JSON. A
    /// message that is cut off at the end counts only if the output is `complete`.
    #[must_use]
    pub fn find_stray(&self, output: &[u8], complete: bool) -> Option<Stray> {
        find_stray(self.envelope?, output, complete)
    }

    /// Returns the first line of `output` with a carriage return, if each message of the protocol is a line.
    #[must_use]
    pub(crate) fn find_carriage_return(&self, output: &[u8]) -> Option<Stray> {
        find_carriage_return(self.envelope?, output)
    }

    /// Returns the properties of servers that the protocol file declares.
    #[must_use]
    pub fn declared_properties(&self) -> DeclaredProperties {
        self.declared
    }

    /// Whether the server keeps the payload of each request, as a cache does.
    pub(crate) fn keeps_payload(&self) -> bool {
        self.keeps_payload
    }

    /// Whether every reply equals its request, byte for byte: whatever is sent is a request.
    #[must_use]
    pub fn replies_equal_requests(&self) -> bool {
        self.identity
    }

    /// Whether a client must receive something before its first request: a greeting, or the reply to an opening.
    #[must_use]
    pub fn receives_before_requests(&self) -> bool {
        self.greeting.is_some() || !self.opening.is_empty()
    }

    /// Whether the server sends a greeting before any request.
    #[must_use]
    pub fn speaks_first(&self) -> bool {
        self.greeting.is_some()
    }

    /// Whether the usual reply holds the token or payload of its own request.
    #[must_use]
    pub fn token_comes_back(&self) -> bool {
        self.turns.first().is_some_and(Turn::token_comes_back)
    }

    /// Whether the server greets its clients, and answers no request.
    #[must_use]
    pub fn only_greets(&self) -> bool {
        self.greeting.is_some() && self.turns.is_empty()
    }

    /// Whether a client sends requests, and the server answers none of them.
    #[must_use]
    pub fn never_answers(&self) -> bool {
        !self.turns.is_empty() && !self.turns.iter().any(Turn::has_reply)
    }

    /// Returns the first turn whose request carries arbitrary bytes that its reply repeats.
    #[must_use]
    pub fn payload_turn(&self) -> Option<&Turn> {
        self.turns.iter().find(|turn| turn.carries_payload())
    }

    /// Whether a request of the protocol carries arbitrary bytes that its reply repeats.
    #[must_use]
    pub fn carries_payload(&self) -> bool {
        self.payload_turn().is_some()
    }

    /// Returns the length of the longest payload of one request, if there is a limit.
    #[must_use]
    pub fn max_payload(&self) -> Option<u64> {
        self.payload_turn().and_then(Turn::max_payload)
    }

    /// Whether a connection can carry several exchanges. `None` if the protocol file does not say: the server must be
    /// asked.
    #[must_use]
    pub fn allows_several_exchanges(&self) -> Option<bool> {
        let never = self.turns.is_empty() || self.turns.iter().all(Turn::ends_connection);
        if never { Some(false) } else { self.declared.keep_alive }
    }

    /// Whether several requests may wait for their replies. `None` if the protocol file does not say: the server must
    /// be asked.
    #[must_use]
    pub fn allows_pipelining(&self) -> Option<bool> {
        match self.allows_several_exchanges() {
            Some(false) => Some(false),
            _ => self.declared.pipelining,
        }
    }

    /// Whether the protocol has a request whose reply is long.
    #[must_use]
    pub fn has_long_reply(&self) -> bool {
        self.long.is_some()
    }
}

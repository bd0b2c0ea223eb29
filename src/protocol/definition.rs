//! A protocol: what a client says, and what must come back.

use std::fmt;
use std::sync::Arc;

use super::pattern::Pattern;
use super::reply::{ExpectedReply, ReplyTemplate};
use super::token::Token;
use super::turn::Turn;

/// What a client says to a server, and what must come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) over: Vec<Carrier>,
    pub(super) greeting: Option<ReplyTemplate>,
    pub(super) opening: Vec<Turn>,
    pub(super) turns: Vec<Turn>,
    pub(super) long: Option<Turn>,
    pub(super) goodbye: Option<Turn>,
    pub(super) declared: Declared,
    pub(super) settings: Vec<(String, String)>,
    pub(super) identity: bool,
}

/// A kind of transport that carries a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// A byte stream: TCP, Unix stream sockets, pipes.
    Stream,
    /// Messages: UDP, Unix datagram sockets.
    Message,
}

impl Carrier {
    pub(super) const ALL: [Carrier; 2] = [Carrier::Stream, Carrier::Message];

    /// The word for it in protocol files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Carrier::Stream => "stream",
            Carrier::Message => "message",
        }
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a protocol file says about servers. `None`: the file does not say; try it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Declared {
    /// The connection stays open after a reply.
    pub keep_alive: Option<bool>,
    /// Requests may be sent before earlier ones are answered.
    pub pipelining: Option<bool>,
    /// A request is answered whose sender has shut down its side of the connection.
    pub half_close: Option<bool>,
}

impl Protocol {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is, in one line.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Whether such a transport carries it.
    #[must_use]
    pub fn runs_over(&self, carrier: Carrier) -> bool {
        self.over.contains(&carrier)
    }

    /// The names and values of its settings.
    #[must_use]
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// What the server says as soon as a client connects, if it does.
    #[must_use]
    pub fn greeting(&self) -> Option<ExpectedReply> {
        self.greeting.as_ref().map(|reply| ExpectedReply {
            pattern: Arc::new(Pattern::new(&reply.template, &Token::new(0), &[].into())),
            frame: reply.frame,
            head_request: false,
        })
    }

    /// The exchanges that begin each connection.
    #[must_use]
    pub fn opening(&self) -> &[Turn] {
        &self.opening
    }

    /// The exchanges that a client repeats in any order. The first is the usual one.
    #[must_use]
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// An exchange whose reply is long.
    #[must_use]
    pub fn long(&self) -> Option<&Turn> {
        self.long.as_ref()
    }

    /// The exchange that ends a connection.
    #[must_use]
    pub fn goodbye(&self) -> Option<&Turn> {
        self.goodbye.as_ref()
    }

    /// What the file says about servers.
    #[must_use]
    pub fn declared(&self) -> Declared {
        self.declared
    }

    /// Whether every reply equals its request, byte for byte: whatever is sent is a request.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.identity
    }

    /// Whether a client must receive something before its first request: a greeting, or the reply to an opening.
    #[must_use]
    pub fn receives_before_requests(&self) -> bool {
        self.greeting.is_some() || !self.opening.is_empty()
    }

    /// Whether the server speaks first.
    #[must_use]
    pub fn speaks_first(&self) -> bool {
        self.greeting.is_some()
    }

    /// Whether the usual reply holds the token or payload of its own request.
    #[must_use]
    pub fn token_comes_back(&self) -> bool {
        self.turns.first().is_some_and(Turn::token_comes_back)
    }

    /// The first turn that carries any bytes and has them back.
    #[must_use]
    pub fn payload_turn(&self) -> Option<&Turn> {
        self.turns.iter().find(|turn| turn.carries_payload())
    }

    /// Whether a request carries any bytes and has them back.
    #[must_use]
    pub fn carries_payload(&self) -> bool {
        self.payload_turn().is_some()
    }

    /// The longest payload of one request, if there is a limit.
    #[must_use]
    pub fn payload_max(&self) -> Option<u64> {
        self.payload_turn().and_then(Turn::payload_max)
    }

    /// Whether a connection can carry several exchanges. `None`: the file does not say; try it.
    #[must_use]
    pub fn talks_more_than_once(&self) -> Option<bool> {
        let never = self.turns.is_empty() || self.turns.iter().all(Turn::ends_connection);
        if never { Some(false) } else { self.declared.keep_alive }
    }

    /// Whether several requests may wait for their replies. `None`: the file does not say; try it.
    #[must_use]
    pub fn pipelines(&self) -> Option<bool> {
        match self.talks_more_than_once() {
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

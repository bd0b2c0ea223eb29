//! The part that every client plays: its requests, and how their replies are verified.

use std::sync::Arc;

use super::exchange::{Content, Exchange};
use super::message::Message;
use crate::protocol::{Codec, Protocol, Request, Tokens, Turn};

/// The requests of a run, and the way to verify the replies.
#[derive(Debug)]
pub(super) struct Script {
    pub content: Content,
    protocol: Arc<Protocol>,
    turn: Turn,
    seed: u64,
    pub way: Way,
}

/// The way in which a client makes requests and verifies replies. All give the same verdict; they differ in speed.
#[derive(Debug)]
pub(super) enum Way {
    /// All bytes of requests and replies are known: replies are compared with memory.
    Known { request: Message, reply: Message },
    /// Expected replies differ in the token alone. A reply is correct if it has the bytes of one that was correct, with its
    /// own token in the place of the other's.
    Learned { request: Message },
    /// The codec of checks makes the requests and verifies the replies.
    Codec,
}

impl Script {
    /// Returns the script of clients that speak `protocol` with payloads of `size` bytes.
    ///
    /// # Errors
    /// The reason why the protocol has no exchange that can be repeated and measured, or why `size` does not fit.
    pub fn new(protocol: &Arc<Protocol>, size: Option<usize>, seed: u64) -> Result<Script, String> {
        let name = protocol.name();
        let turn = protocol.payload_turn().or_else(|| protocol.turns().iter().find(|turn| turn.has_reply()));
        let Some(turn) = turn else {
            return Err(format!(
                "{name} has no request with a reply, so there is no latency to measure. Choose another protocol: \
                 `echospec protocols` lists them"
            ));
        };
        let takes_payload = turn.takes_payload();
        if size.is_some() && !takes_payload {
            return Err(format!(
                "--size sets the length of the payload, and the requests of {name} carry none: leave out --size"
            ));
        }
        let most = turn.max_payload().unwrap_or(u64::MAX);
        let wanted = size.unwrap_or(DEFAULT_SIZE);
        if size.is_some() && wanted as u64 > most {
            return Err(format!("--size is at most {most} for {name}, not {wanted}"));
        }
        let size = if takes_payload { wanted.min(usize::try_from(most).unwrap_or(wanted)) } else { 0 };
        let turn = turn.clone();
        let way = Way::of(protocol, &turn, size);
        let only_letters = matches!(way, Way::Codec);
        Ok(Script {
            content: Content::new(size, seed, only_letters),
            protocol: protocol.clone(),
            turn,
            seed,
            way,
        })
    }

    /// Returns a codec for a new connection, or `None` if the connection needs none.
    pub fn new_codec(&self, client: u64) -> Option<Box<Codec>> {
        let is_needed = matches!(self.way, Way::Codec) || self.protocol.receives_before_requests();
        is_needed.then(|| {
            Box::new(Codec::new(self.protocol.clone(), Tokens::new(self.seed, client)).pipelining(false))
        })
    }

    /// Returns the request of an exchange as the protocol makes it, with its expected reply.
    pub fn request(&self, exchange: &Exchange) -> Request {
        let payload = self.turn.takes_payload().then(|| self.content.payload(exchange).into());
        self.turn.new_request(exchange.token, payload)
    }

    /// Returns the content that a codec sends in one exchange.
    pub fn codec_content(&self, exchange: &Exchange) -> Vec<u8> {
        if self.turn.takes_payload() { self.content.payload(exchange) } else { Vec::new() }
    }

    /// Returns the length of a request, if it is known.
    pub fn request_length(&self) -> Option<usize> {
        match &self.way {
            Way::Known { request, .. } | Way::Learned { request } => Some(request.length()),
            Way::Codec => None,
        }
    }
}

/// The length of payloads if `--size` is not given.
pub const DEFAULT_SIZE: usize = 64;

impl Way {
    fn of(protocol: &Protocol, turn: &Turn, size: usize) -> Way {
        let Some(request) = turn.request_parts(size).filter(|_| !protocol.is_json()) else {
            return Way::Codec;
        };
        let request = Message::new(&request, size);
        match turn.reply_parts(size) {
            Some(reply) => Way::Known { request, reply: Message::new(&reply, size) },
            None if turn.reply_varies_by_token_alone() => Way::Learned { request },
            None => Way::Codec,
        }
    }
}

//! Verifies a reply while its bytes arrive: first by comparing memory, and by the protocol where that finds a difference.

use std::rc::Rc;

use super::exchange::Exchange;
use super::message::Message;
use super::script::{Script, Way};
use crate::protocol::{Mismatch, ReplyMatcher, ReplyProgress};

/// The maximum length of a reply that is kept to recognise equal ones.
const LONGEST_LEARNED: usize = 256 * 1024;

/// A reply that the protocol found correct. Another reply with the same bytes and its own token is correct too.
#[derive(Debug)]
pub(super) struct LearnedReply {
    message: Message,
    closes: bool,
}

/// The last reply that was found correct, if equal ones may follow.
#[derive(Debug, Default)]
pub(super) struct Memory(Option<Rc<LearnedReply>>);

/// The state of verifying one reply.
#[derive(Debug, Default)]
pub(super) struct ReplyState {
    /// The number of the reply's bytes that equal the expected ones.
    matched: usize,
    /// The reply with which this reply is compared, if a part of it has come.
    against: Option<Rc<LearnedReply>>,
    /// The protocol's own matcher, once a byte differs.
    matcher: Option<Box<ReplyMatcher>>,
}

/// The result of verifying more bytes.
#[derive(Debug)]
pub(super) enum Verified {
    /// All bytes are correct, and the reply is not yet complete.
    NeedMore,
    /// The reply is complete after `consumed` of the bytes.
    Complete {
        consumed: usize,
        /// Whether the reply says that the server closes the connection after it.
        closes: bool,
    },
    /// The reply is wrong.
    Wrong(Box<Mismatch>),
}

impl ReplyState {
    /// Prepares for the next reply.
    pub fn reset(&mut self) {
        self.matched = 0;
        if self.against.is_some() || self.matcher.is_some() {
            (self.against, self.matcher) = (None, None);
        }
    }

    /// Verifies the next bytes of the reply to `exchange`.
    pub fn push(
        &mut self,
        script: &Script,
        exchange: &Exchange,
        memory: &mut Memory,
        bytes: &[u8],
    ) -> Verified {
        if self.matcher.is_some() {
            return self.push_to_matcher(exchange, memory, bytes);
        }
        match &script.way {
            Way::Known { reply, .. } => self.compare(reply, false, script, exchange, memory, bytes),
            Way::Learned { .. } => {
                let learned = self.against.take().or_else(|| memory.0.clone());
                let Some(learned) = learned else {
                    return self.ask_protocol(script, exchange, &[], memory, bytes);
                };
                let verified =
                    self.compare(&learned.message, learned.closes, script, exchange, memory, bytes);
                if matches!(verified, Verified::NeedMore) && self.matcher.is_none() {
                    self.against = Some(learned);
                }
                verified
            }
            // The codec verifies its replies itself.
            Way::Codec => Verified::Complete { consumed: 0, closes: false },
        }
    }

    /// Compares the next bytes with a correct reply. Asks the protocol if they differ.
    fn compare(
        &mut self,
        reply: &Message,
        closes: bool,
        script: &Script,
        exchange: &Exchange,
        memory: &mut Memory,
        bytes: &[u8],
    ) -> Verified {
        let equal = reply.count_equal(exchange, &script.content, self.matched, bytes);
        let reached = self.matched + equal;
        if reached == reply.length() {
            return Verified::Complete { consumed: equal, closes };
        }
        if equal == bytes.len() {
            self.matched = reached;
            return Verified::NeedMore;
        }
        let before = reply.prefix(exchange, &script.content, self.matched);
        self.ask_protocol(script, exchange, &before, memory, bytes)
    }

    /// Gives the reply to the protocol's matcher: the bytes `before`, which have come earlier, and `bytes`.
    fn ask_protocol(
        &mut self,
        script: &Script,
        exchange: &Exchange,
        before: &[u8],
        memory: &mut Memory,
        bytes: &[u8],
    ) -> Verified {
        let request = script.request(exchange);
        let mut matcher = Box::new(request.expected().matcher().keep_bytes(LONGEST_LEARNED));
        if !before.is_empty()
            && let ReplyProgress::Mismatch(mismatch) = matcher.push(before)
        {
            return Verified::Wrong(Box::new(mismatch));
        }
        self.matcher = Some(matcher);
        self.push_to_matcher(exchange, memory, bytes)
    }

    fn push_to_matcher(&mut self, exchange: &Exchange, memory: &mut Memory, bytes: &[u8]) -> Verified {
        let Some(matcher) = &mut self.matcher else { return Verified::NeedMore };
        match matcher.push(bytes) {
            ReplyProgress::NeedMore => Verified::NeedMore,
            ReplyProgress::Mismatch(mismatch) => Verified::Wrong(Box::new(mismatch)),
            ReplyProgress::Complete { consumed, reply } => {
                let closes = reply.closes;
                if reply.bytes.len() as u64 == reply.length {
                    let message = Message::with_token(&reply.bytes, exchange.token);
                    memory.0 = Some(Rc::new(LearnedReply { message, closes }));
                }
                Verified::Complete { consumed, closes }
            }
        }
    }

    /// Whether the end of the stream completes the reply.
    pub fn ends_with_stream(&mut self) -> bool {
        self.matcher.as_mut().is_some_and(|matcher| matcher.end_of_stream().is_ok())
    }
}

//! Decoding replies, in the order of their requests or in any order.

use super::{Codec, Due, WrongReply};
use crate::protocol::reply::{Reply, ReplyEndRule, ReplyMatcher, ReplyProgress};

impl Codec {
    /// Decodes bytes that the server sent, in pieces of any size.
    ///
    /// # Errors
    /// The first reply that is wrong, or bytes that nothing asked for.
    pub fn receive_bytes(&mut self, bytes: &[u8]) -> Result<(), WrongReply> {
        if self.messages.is_some() {
            return self.feed_messages(bytes);
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some(matcher) = self.matcher_of_next_reply() else { return Err(self.unasked(rest)) };
            let mut progress = matcher.push(rest);
            if let ReplyProgress::Mismatch(mismatch) = progress {
                // Where replies come in any order, this may be the reply to another request.
                progress = self.match_others(rest).ok_or_else(|| self.wrong(mismatch))?;
            }
            match progress {
                ReplyProgress::NeedMore => {
                    if self.protocol.any_order {
                        self.partial.extend_from_slice(rest);
                    }
                    return Ok(());
                }
                ReplyProgress::Complete { consumed, reply } => {
                    rest = &rest[consumed..];
                    self.answer(reply);
                }
                ReplyProgress::Mismatch(mismatch) => return Err(self.wrong(mismatch)),
            }
        }
        Ok(())
    }

    /// Handles the end of the connection, which may be the end of a reply.
    ///
    /// # Errors
    /// The reply that it cuts off.
    pub fn end_of_stream(&mut self) -> Result<(), WrongReply> {
        if self.may_be_cut && self.due.front().is_none_or(|due| due.expected.frame != ReplyEndRule::End) {
            return Ok(());
        }
        if self.messages.is_some() {
            return self.end_messages();
        }
        let Some(matcher) = self.matcher_of_next_reply() else { return Ok(()) };
        match matcher.end_of_stream() {
            Ok(reply) => {
                self.answer(reply);
                Ok(())
            }
            Err(mismatch) => Err(self.wrong(mismatch)),
        }
    }

    /// Returns the matcher of the reply that arrives now. `None` if no reply is due.
    fn matcher_of_next_reply(&mut self) -> Option<&mut ReplyMatcher> {
        if self.matcher.is_none() {
            self.reading = self.next_awaited(0)?;
            self.matcher = Some(self.due[self.reading].expected.matcher().keep_bytes(self.keep));
        }
        self.matcher.as_mut()
    }

    /// Returns the first place from `start` on of a request whose reply may come next.
    fn next_awaited(&self, start: usize) -> Option<usize> {
        let is_awaited = |due: &Due| due.reply.is_none() && !due.expected.is_nothing();
        let last = if self.protocol.any_order { self.due.len() } else { self.due.len().min(1) };
        (start..last).find(|&place| is_awaited(&self.due[place]))
    }

    /// Compares what has come of the current reply with the replies to later requests. `rest` are its bytes that no matcher has
    /// taken yet. Returns `None` if the reply belongs to none of these requests.
    fn match_others(&mut self, rest: &[u8]) -> Option<ReplyProgress> {
        let before = self.partial.len();
        let bytes = [&self.partial, rest].concat();
        let mut start = self.reading + 1;
        while let Some(place) = self.next_awaited(start) {
            start = place + 1;
            let mut matcher = self.due[place].expected.matcher().keep_bytes(self.keep);
            let progress = match matcher.push(&bytes) {
                ReplyProgress::Complete { consumed, reply } if consumed >= before => {
                    ReplyProgress::Complete { consumed: consumed - before, reply }
                }
                ReplyProgress::NeedMore => ReplyProgress::NeedMore,
                _ => continue,
            };
            self.reading = place;
            self.matcher = Some(matcher);
            return Some(progress);
        }
        None
    }

    fn answer(&mut self, reply: Reply) {
        let early = self.is_early();
        self.matcher = None;
        self.partial.clear();
        self.replies += 1;
        if reply.closes {
            self.closed_by = self.closed_by.or(Some(self.replies));
        }
        if let Some(due) = self.due.get_mut(self.reading) {
            due.reply = Some((reply, early));
        }
        self.reading = 0;
        self.complete_requests_without_reply();
    }

    pub(super) fn is_early(&self) -> bool {
        self.due.get(self.reading).is_some_and(|due| due.end > self.total_written)
    }
}

//! The progress of the exchanges of one connection, in numbers.

use super::Codec;
use crate::protocol::reply::ReplyMatcher;

impl Codec {
    /// Returns the number of replies that are due, including replies to requests that are not yet sent.
    #[must_use]
    pub fn count_unanswered(&self) -> usize {
        self.due.len() + self.waiting.len()
    }

    /// Returns the number of exchanges that are complete: those whose reply has come, and those without a reply.
    #[must_use]
    pub fn count_complete(&self) -> u64 {
        self.replies
    }

    /// Returns the number of replies that are due to requests which the codec has encoded.
    #[must_use]
    pub fn count_due(&self) -> usize {
        self.due.len()
    }

    /// Returns the number of the reply which announced that the server closes the connection after it, as
    /// `Connection: close` of HTTP does. The server need not answer later requests (RFC 9112 §9.6).
    #[must_use]
    pub fn closing_reply(&self) -> Option<u64> {
        self.closed_by
    }

    /// Returns the number of bytes received of a reply that is not complete.
    #[must_use]
    pub fn partial_reply_length(&self) -> u64 {
        match &self.messages {
            Some(messages) => messages.partial(),
            None => self.matcher.as_ref().map_or(0, ReplyMatcher::bytes_received),
        }
    }

    /// Whether all requests that were queued have been written.
    #[must_use]
    pub fn all_written(&self) -> bool {
        self.waiting.is_empty() && self.total_written >= self.requests_end
    }
}

mod codec;
mod docs;
mod errors;
mod framing;
mod json;
mod matching;
mod template;

use std::sync::Arc;

use super::{Protocol, ReplyMatcher, ReplyProgress, Request, Token};

/// Returns the first request of a protocol of one turn.
fn request(send: &str, expect: &str) -> Request {
    let protocol = Protocol::inline(send, expect).unwrap_or_else(|error| panic!("{error}"));
    protocol.turns()[0].new_request(Token::new(1), None)
}

fn request_of(text: &str, payload: Option<&[u8]>) -> Request {
    let protocol = Protocol::from_toml(text, "test.toml").unwrap_or_else(|error| panic!("{error}"));
    protocol.turns()[0].new_request(Token::new(1), payload.map(Arc::from))
}

/// The result of a matcher: the end of a reply, or the offset and the words of its mismatch.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    More,
    Complete(u64),
    Wrong(u64, String, Vec<u8>),
}

/// Gives `bytes` to a reply matcher in pieces that end at the offsets `cuts`.
fn feed(mut matcher: ReplyMatcher, bytes: &[u8], cuts: &[usize]) -> Seen {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut start = 0;
    for end in ends {
        match matcher.push(&bytes[start..end]) {
            ReplyProgress::NeedMore => start = end,
            ReplyProgress::Complete { consumed, reply } => {
                assert_eq!((start + consumed) as u64, reply.length);
                return Seen::Complete(reply.length);
            }
            ReplyProgress::Mismatch(wrong) => return Seen::Wrong(wrong.offset, wrong.expected, wrong.before),
        }
    }
    Seen::More
}

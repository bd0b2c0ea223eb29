//! One exchange: the token and the payload that make its request unlike any other.

use crate::payload::payload;
use crate::protocol::Token;

/// The number of different places in the [`Content`] at which a payload can begin.
const PLACES: u64 = 1 << 16;

/// The identity of one exchange: its token, and the place in the shared content at which its payload goes on behind the
/// token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchange {
    pub token: Token,
    pub place: usize,
}

impl Exchange {
    /// Returns exchange `number`. Different numbers give different tokens.
    pub fn new(number: u64) -> Exchange {
        // Fibonacci hashing: successive numbers give places that are far apart.
        let place = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - PLACES.trailing_zeros());
        Exchange { token: Token::new(number), place: place as usize }
    }
}

/// Random bytes from which all payloads of a run are cut, so that no exchange has to make or store its own.
///
/// A payload is the token of its exchange, and behind it a piece of the content that begins at one of 65,536 places. A
/// reply to another request, and each piece of it, is thus recognised by its bytes.
#[derive(Debug)]
pub(super) struct Content {
    bytes: Vec<u8>,
    size: usize,
}

impl Content {
    /// Returns the content for payloads of `size` bytes. With `only_letters`, the payloads are text of ASCII letters.
    pub fn new(size: usize, seed: u64, only_letters: bool) -> Content {
        let mut bytes = payload(PLACES as usize + size, seed, 0);
        if only_letters {
            bytes.iter_mut().for_each(|byte| *byte = b'a' + *byte % 26);
        }
        Content { bytes, size }
    }

    /// Returns the `length` bytes of an exchange's payload that follow its token.
    pub fn after_token(&self, exchange: &Exchange, length: usize) -> &[u8] {
        &self.bytes[exchange.place..exchange.place + length]
    }

    /// Returns the payload of an exchange.
    pub fn payload(&self, exchange: &Exchange) -> Vec<u8> {
        let head = self.size.min(Token::LENGTH);
        let mut payload = exchange.token.as_bytes()[..head].to_vec();
        payload.extend_from_slice(self.after_token(exchange, self.size - head));
        payload
    }
}

//! One exchange: the token and the payload that make its request unlike any other.

use crate::payload::payload;
use crate::protocol::Token;

/// The number of different places in the [`Content`] at which a payload can begin.
const PLACES: u64 = 1 << 16;

/// The distance between the places of successive exchanges. It is odd, so that all places are used in turn; and it is small,
/// so that small payloads of the exchanges that are going on lie side by side in the processor's cache.
const STRIDE: u64 = 67;

/// The exchanges of each thread have numbers of their own from bit 50 on. Places of two threads are so far apart.
pub(super) const THREAD_SHIFT: u32 = 50;
const THREAD_DISTANCE: u64 = 12_007;

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
        let thread = number >> THREAD_SHIFT;
        let place = number.wrapping_mul(STRIDE).wrapping_add(thread.wrapping_mul(THREAD_DISTANCE)) % PLACES;
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn successive_exchanges_have_places_of_their_own() {
        let places: HashSet<_> = (0..PLACES).map(|number| Exchange::new(number).place).collect();
        assert_eq!(places.len() as u64, PLACES);
    }

    #[test]
    fn threads_begin_at_places_of_their_own() {
        let places: HashSet<_> = (0..64).map(|thread| Exchange::new(thread << THREAD_SHIFT).place).collect();
        assert_eq!(places.len(), 64);
    }
}

//! A request or a reply whose bytes are known: pieces that are written and compared without a copy.

use super::exchange::{Content, Exchange};
use crate::protocol::{KnownPart, Token};

/// A message as a sequence of pieces. Requests are written from it, and replies are compared with it.
#[derive(Debug)]
pub(super) struct Message {
    pieces: Vec<Piece>,
    length: usize,
}

#[derive(Debug)]
enum Piece {
    Literal(Vec<u8>),
    /// The piece is this many characters of the token.
    Token(usize),
    /// The piece is this many bytes of the content.
    Content(usize),
}

impl Message {
    /// Returns the message with these parts and a payload of `size` bytes.
    pub fn new(parts: &[KnownPart], size: usize) -> Message {
        let mut pieces = Vec::new();
        for part in parts {
            match part {
                KnownPart::Bytes(bytes) => pieces.push(Piece::Literal(bytes.clone())),
                KnownPart::Token(length) => pieces.push(Piece::Token(*length)),
                KnownPart::Payload => {
                    let head = size.min(Token::LENGTH);
                    pieces.push(Piece::Token(head));
                    pieces.push(Piece::Content(size - head));
                }
            }
        }
        Message::of_pieces(pieces)
    }

    /// Returns the message with these bytes, in which each exchange has its own token where `token` is.
    pub fn with_token(mut bytes: &[u8], token: Token) -> Message {
        let mut pieces = Vec::new();
        while let Some(at) = bytes.windows(Token::LENGTH).position(|window| window == token.as_bytes()) {
            pieces.push(Piece::Literal(bytes[..at].to_vec()));
            pieces.push(Piece::Token(Token::LENGTH));
            bytes = &bytes[at + Token::LENGTH..];
        }
        pieces.push(Piece::Literal(bytes.to_vec()));
        Message::of_pieces(pieces)
    }

    fn of_pieces(mut pieces: Vec<Piece>) -> Message {
        pieces.retain(|piece| piece.length() > 0);
        Message { length: pieces.iter().map(Piece::length).sum(), pieces }
    }

    /// Returns the length of the message in bytes.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Returns the pieces of the message of one exchange, from byte `from` on.
    pub fn slices<'m>(
        &'m self,
        exchange: &'m Exchange,
        content: &'m Content,
        from: usize,
    ) -> impl Iterator<Item = &'m [u8]> {
        let mut skip = from;
        self.pieces.iter().filter_map(move |piece| {
            let bytes = piece.bytes(exchange, content);
            let skipped = skip.min(bytes.len());
            skip -= skipped;
            (skipped < bytes.len()).then(|| &bytes[skipped..])
        })
    }

    /// Returns the first `length` bytes of the message of one exchange.
    pub fn prefix(&self, exchange: &Exchange, content: &Content, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.slices(exchange, content, 0).flatten().copied().take(length).collect();
        bytes.truncate(length);
        bytes
    }

    /// Compares `bytes` with the message of one exchange from byte `from` on. Returns how many bytes are equal, up to
    /// the end of the message.
    pub fn count_equal(&self, exchange: &Exchange, content: &Content, from: usize, bytes: &[u8]) -> usize {
        let mut at = 0;
        for slice in self.slices(exchange, content, from) {
            let rest = &bytes[at..];
            let length = slice.len().min(rest.len());
            if slice[..length] != rest[..length] {
                let same = slice.iter().zip(rest).take_while(|(wanted, found)| wanted == found).count();
                return at + same;
            }
            at += length;
            if at == bytes.len() {
                break;
            }
        }
        at
    }
}

impl Piece {
    fn length(&self) -> usize {
        match self {
            Piece::Literal(bytes) => bytes.len(),
            Piece::Token(length) | Piece::Content(length) => *length,
        }
    }

    fn bytes<'p>(&'p self, exchange: &'p Exchange, content: &'p Content) -> &'p [u8] {
        match self {
            Piece::Literal(bytes) => bytes,
            Piece::Token(length) => &exchange.token.as_bytes()[..*length],
            Piece::Content(length) => content.after_token(exchange, *length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message::new(&[KnownPart::Bytes(b"$64\r\n".to_vec()), KnownPart::Payload], 64)
    }

    #[test]
    fn equals_itself_from_every_offset() {
        let (message, content, exchange) = (message(), Content::new(64, 1, false), Exchange::new(9));
        let whole = message.prefix(&exchange, &content, usize::MAX);
        assert_eq!(whole.len(), message.length());
        assert_eq!(&whole[5..], content.payload(&exchange));
        for from in 0..whole.len() {
            let equal = message.count_equal(&exchange, &content, from, &whole[from..]);
            assert_eq!(equal, whole.len() - from);
        }
    }

    #[test]
    fn finds_each_wrong_byte() {
        let (message, content, exchange) = (message(), Content::new(64, 1, false), Exchange::new(9));
        let whole = message.prefix(&exchange, &content, usize::MAX);
        for at in 0..whole.len() {
            let mut wrong = whole.clone();
            wrong[at] ^= 1;
            assert_eq!(message.count_equal(&exchange, &content, 0, &wrong), at);
        }
    }

    #[test]
    fn has_the_token_of_each_exchange() {
        let (first, second) = (Exchange::new(1), Exchange::new(2));
        let text = |exchange: &Exchange| format!("id: {0}\r\n\r\n{0}\n", exchange.token);
        let message = Message::with_token(text(&first).as_bytes(), first.token);
        let content = Content::new(0, 1, false);
        assert_eq!(message.prefix(&second, &content, usize::MAX), text(&second).as_bytes());
        assert_eq!(message.count_equal(&second, &content, 0, text(&first).as_bytes()), 4);
    }

    #[test]
    fn replies_to_two_requests_differ_from_the_first_byte_on() {
        let content = Content::new(64, 1, false);
        let first = content.payload(&Exchange::new(1));
        let equal = (2..1000).filter(|&number| content.payload(&Exchange::new(number))[..12] == first[..12]);
        assert_eq!(equal.count(), 0);
    }
}

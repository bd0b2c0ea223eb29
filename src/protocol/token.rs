//! Tokens: short words that make each exchange unlike any other.

use std::fmt;

/// A word of twelve lowercase letters and digits that identifies one exchange.
///
/// A server that sends its reply to the wrong client is recognised by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token {
    number: u64,
    word: [u8; Token::LENGTH],
}

impl Token {
    /// The number of characters in every token.
    pub const LENGTH: usize = 12;

    /// Returns the token of exchange `number`: different numbers below 2⁶⁰ give different tokens.
    #[must_use]
    pub fn new(number: u64) -> Token {
        const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        const HALF: usize = Token::LENGTH / 2;
        const HALF_VALUES: u64 = 36_u64.pow(HALF as u32);
        let scrambled = scramble(number);
        // Each half fits 32 bits. A processor divides the two halves at the same time.
        let (mut first, mut second) = ((scrambled % HALF_VALUES) as u32, (scrambled / HALF_VALUES) as u32);
        let mut word = [0; Token::LENGTH];
        // The digit that changes most comes first, so that short prefixes differ too.
        for index in 0..HALF {
            word[index] = LETTERS[(first % 36) as usize];
            word[index + HALF] = LETTERS[(second % 36) as usize];
            (first, second) = (first / 36, second / 36);
        }
        Token { number, word }
    }

    /// Returns the token as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.word).unwrap_or_default()
    }

    /// Returns the number of the exchange from 1 to 2³¹ - 1, for protocols whose requests have one. The numbers of one
    /// client's exchanges differ.
    #[must_use]
    pub fn id(&self) -> u32 {
        const MOST: u64 = (1 << 31) - 1;
        u32::try_from(self.number % MOST + 1).unwrap_or(1)
    }

    /// Returns the token as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.word
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The tokens of one client, each different from those of all other clients of the run.
#[derive(Debug, Clone)]
pub struct Tokens {
    seed: u64,
    next: u64,
}

impl Tokens {
    /// Returns the tokens of client number `client`. Another seed gives other tokens.
    #[must_use]
    pub fn new(seed: u64, client: u64) -> Tokens {
        // A client has room for 2²⁴ exchanges, a run for 2³⁶ clients.
        Tokens { seed, next: client << 24 }
    }

    /// Returns the next token of this client.
    pub fn next_token(&mut self) -> Token {
        let token = Token::new(self.next ^ self.seed);
        self.next += 1;
        token
    }
}

/// Maps the numbers below 2⁶⁰ one to one onto each other, so that successive numbers become very different ones.
fn scramble(number: u64) -> u64 {
    const MASK: u64 = (1 << 60) - 1;
    let mut mixed = number & MASK;
    // An odd factor and a shift to the right by half are both reversible in 60 bits.
    for factor in [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9] {
        mixed = mixed.wrapping_mul(factor) & MASK;
        mixed ^= mixed >> 30;
    }
    mixed
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn tokens_differ_and_have_one_length() {
        let tokens: HashSet<Token> = (0..100_000).map(Token::new).collect();
        assert_eq!(tokens.len(), 100_000);
        assert!(tokens.iter().all(|token| token.as_str().len() == Token::LENGTH));
    }

    #[test]
    fn word_is_the_scrambled_number_in_base_36() {
        for number in [0, 1, 2, 12_345, u64::MAX >> 4] {
            let digit =
                |letter: u8| u64::from(if letter >= b'a' { letter - b'a' } else { letter - b'0' + 26 });
            let token = Token::new(number);
            let value = token.as_bytes().iter().rev().fold(0, |sum, letter| sum * 36 + digit(*letter));
            assert_eq!(value, scramble(number));
        }
    }

    #[test]
    fn clients_share_no_tokens() {
        let mut seen = HashSet::new();
        for client in 0..100 {
            let mut tokens = Tokens::new(u64::MAX - 7, client);
            assert!((0..100).all(|_| seen.insert(tokens.next_token())));
        }
    }

    #[test]
    fn short_prefixes_of_neighbours_differ() {
        let same = (0..1000u64)
            .filter(|&number| Token::new(number).as_bytes()[..2] == Token::new(number + 1).as_bytes()[..2])
            .count();
        assert!(same < 20, "{same} of 1000");
    }
}

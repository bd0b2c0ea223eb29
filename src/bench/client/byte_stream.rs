//! The bytes that a client sends: an endless stream; each message is its next piece.

use crate::payload::payload;
use crate::text::describe_difference;

/// The number of bytes after which the byte stream that a client sends repeats. It is a prime, so that no buffer size
/// divides it, and a stale, lost or duplicated message shows as wrong bytes. It is small enough to stay in the
/// processor's cache, whatever the mechanism.
const PERIOD: usize = 131_071;

/// The endless stream of bytes that a client sends, determined by a seed. A position in it serves as a sequence
/// number.
#[derive(Debug)]
pub(crate) struct ByteStream {
    bytes: Vec<u8>,
}

impl ByteStream {
    /// Creates the byte stream that `seed` determines. Pieces of up to `longest` bytes can be read from it.
    pub fn new(seed: u64, longest: usize) -> ByteStream {
        let period = payload(PERIOD, seed, 1);
        ByteStream { bytes: period.iter().copied().cycle().take(PERIOD + longest).collect() }
    }

    /// Returns `length` bytes of the byte stream from `position`, or fewer if that is more than the longest piece.
    pub fn bytes_at(&self, position: u64, length: usize) -> &[u8] {
        let start = (position % PERIOD as u64) as usize;
        &self.bytes[start..(start + length).min(self.bytes.len())]
    }

    /// Compares received bytes with the byte stream that the client has sent, from `position` on.
    ///
    /// # Errors
    /// The first byte that differs, with its position in the stream.
    #[inline]
    pub fn verify(&self, position: u64, received: &[u8]) -> Result<(), String> {
        let expected = self.bytes_at(position, received.len());
        if expected == received { Ok(()) } else { Err(describe(position, expected, received)) }
    }
}

#[cold]
fn describe(position: u64, expected: &[u8], received: &[u8]) -> String {
    let base = usize::try_from(position).unwrap_or(usize::MAX);
    describe_difference(expected, received, base)
        .unwrap_or_else(|| format!("at byte {base}: {} instead of {}", received.len(), expected.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_after_its_period() {
        let stream = ByteStream::new(7, 64);
        assert_eq!(stream.bytes_at(0, 64), stream.bytes_at(PERIOD as u64, 64));
        assert_eq!(stream.bytes_at(PERIOD as u64 - 1, 64)[1..], stream.bytes_at(0, 63)[..]);
    }

    #[test]
    fn reports_the_position_of_a_wrong_byte() {
        let stream = ByteStream::new(7, 64);
        let mut echo = stream.bytes_at(1000, 64).to_vec();
        assert_eq!(stream.verify(1000, &echo), Ok(()));
        echo[3] ^= 1;
        let text = stream.verify(1000, &echo).unwrap_err();
        assert!(text.starts_with("at byte 1003: "), "{text}");
    }

    #[test]
    fn rejects_the_previous_message() {
        let stream = ByteStream::new(7, 64);
        assert!(stream.verify(64, stream.bytes_at(0, 64)).is_err());
    }
}

//! The bytes that a client sends, one message after the other out of an endless stream, and what must come back.

use crate::payload::payload;
use crate::text::difference;

/// A prime, so that a repeat of the stream lines up with no buffer that a server might use: a stale, lost or doubled
/// message shows. Small enough that the stream stays in the processor's cache and costs no mechanism anything.
const PERIOD: usize = 131_071;

/// A seeded stream without end. A position in it stands for a sequence number: whatever is lost, doubled or out of
/// order differs from what is due there.
#[derive(Debug)]
pub(crate) struct Script {
    bytes: Vec<u8>,
}

impl Script {
    /// The stream of `seed`, of which pieces of up to `longest` bytes can be had.
    pub fn new(seed: u64, longest: usize) -> Script {
        let period = payload(PERIOD, seed, 1);
        Script { bytes: period.iter().copied().cycle().take(PERIOD + longest).collect() }
    }

    /// `length` bytes from `position` on; fewer where that is longer than was asked for.
    pub fn at(&self, position: u64, length: usize) -> &[u8] {
        let place = (position % PERIOD as u64) as usize;
        &self.bytes[place..(place + length).min(self.bytes.len())]
    }

    /// Compares what came back with what was sent from `position` on.
    ///
    /// # Errors
    /// The first byte that differs, by its place in the stream.
    #[inline]
    pub fn verify(&self, position: u64, received: &[u8]) -> Result<(), String> {
        let due = self.at(position, received.len());
        if due == received { Ok(()) } else { Err(self.describe(position, due, received)) }
    }

    #[cold]
    fn describe(&self, position: u64, due: &[u8], received: &[u8]) -> String {
        let base = usize::try_from(position).unwrap_or(usize::MAX);
        difference(due, received, base)
            .unwrap_or_else(|| format!("at byte {base}: {} instead of {}", received.len(), due.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_goes_on_beyond_its_period() {
        let script = Script::new(7, 64);
        assert_eq!(script.at(0, 64), script.at(PERIOD as u64, 64));
        assert_eq!(script.at(PERIOD as u64 - 1, 64)[1..], script.at(0, 63)[..]);
    }

    #[test]
    fn a_wrong_byte_is_named_with_its_place_in_the_stream() {
        let script = Script::new(7, 64);
        let mut echo = script.at(1000, 64).to_vec();
        assert_eq!(script.verify(1000, &echo), Ok(()));
        echo[3] ^= 1;
        let text = script.verify(1000, &echo).unwrap_err();
        assert!(text.starts_with("at byte 1003: "), "{text}");
    }

    #[test]
    fn the_message_before_is_not_the_message_due() {
        let script = Script::new(7, 64);
        assert!(script.verify(64, script.at(0, 64)).is_err());
    }
}

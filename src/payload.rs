//! Bytes to send: random, so that a misplaced byte is noticed, and seeded, so that a run can be repeated.

/// The number of bytes in one kibibyte.
pub const KIB: usize = 1024;
/// The number of bytes in one mebibyte.
pub const MIB: usize = 1024 * KIB;

/// The length after which a payload repeats: a prime, so that no buffer of a server has a size that divides it.
const PERIOD: usize = 1_048_573;

/// Returns `length` bytes that `seed` and `stream` determine. Each stream has its own bytes, so that the bytes of one
/// client cannot be mistaken for another's.
#[must_use]
pub fn payload(length: usize, seed: u64, stream: u64) -> Vec<u8> {
    let mut source = SplitMix(SplitMix(seed).next() ^ SplitMix(!stream).next());
    let mut block = Vec::with_capacity(length.min(PERIOD) + 8);
    while block.len() < length.min(PERIOD) {
        block.extend_from_slice(&source.next().to_le_bytes());
    }
    block.truncate(length.min(PERIOD));
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let part = block.len().min(length - bytes.len());
        bytes.extend_from_slice(&block[..part]);
    }
    bytes
}

/// Returns a random seed for payloads, short enough to be typed again.
pub(crate) fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id()) % 1_000_000
}

/// SplitMix64, the generator of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_and_stream_determine_the_bytes() {
        assert_eq!(payload(4096, 7, 0), payload(4096, 7, 0));
        assert_ne!(payload(4096, 7, 0), payload(4096, 7, 1));
        assert_ne!(payload(4096, 7, 0), payload(4096, 8, 0));
    }

    #[test]
    fn has_exactly_the_length_asked_for() {
        for length in [0, 1, 7, 8, 9, PERIOD, PERIOD + 1, 3 * MIB] {
            assert_eq!(payload(length, 7, 0).len(), length);
        }
    }

    /// `SplitMix` gives the same first values as the reference implementation for the state 0.
    #[test]
    fn splitmix_is_the_published_one() {
        let mut source = SplitMix(0);
        assert_eq!([source.next(), source.next()], [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
    }
}

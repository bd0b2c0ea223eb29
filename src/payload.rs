//! Bytes to send: random, so that a byte out of place is seen, and seeded, so that a run can be repeated.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// One kibibyte.
pub const KIB: usize = 1024;
/// One mebibyte.
pub const MIB: usize = 1024 * KIB;

/// A prime, so that a repeat of it lines up with no buffer that a server might use.
const PERIOD: usize = 1_048_573;

/// `length` bytes that `seed` and `stream` determine. Different streams share nothing, so that a byte of
/// one client is never mistaken for another's.
#[must_use]
pub fn payload(length: usize, seed: u64, stream: u64) -> Vec<u8> {
    let mut source = ChaCha8Rng::seed_from_u64(seed);
    source.set_stream(stream);
    let mut block = vec![0; length.min(PERIOD)];
    source.fill_bytes(&mut block);
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let part = block.len().min(length - bytes.len());
        bytes.extend_from_slice(&block[..part]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_stream_gives_others() {
        assert_eq!(payload(4096, 7, 0), payload(4096, 7, 0));
        assert_ne!(payload(4096, 7, 0), payload(4096, 7, 1));
        assert_eq!(payload(3 * MIB, 7, 0).len(), 3 * MIB);
    }
}

//! Payloads for clients to send: random, so that a misplaced byte is detected, and seeded, so that a run can be repeated.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// One kibibyte.
pub const KIB: usize = 1024;
/// One mebibyte.
pub const MIB: usize = 1024 * KIB;

/// The length after which a payload repeats. It is a prime, so that no multiple of a buffer size is a multiple of it.
const PERIOD: usize = 1_048_573;

/// Returns `length` bytes, determined by `seed` and `stream`. Each client has a stream of its own, so that the bytes of two
/// clients differ.
#[must_use]
pub fn payload(length: usize, seed: u64, stream: u64) -> Vec<u8> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    let mut block = vec![0; length.min(PERIOD)];
    generator.fill_bytes(&mut block);
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
    fn bytes_depend_on_seed_and_stream() {
        assert_eq!(payload(4096, 7, 0), payload(4096, 7, 0));
        assert_ne!(payload(4096, 7, 0), payload(4096, 7, 1));
        assert_eq!(payload(3 * MIB, 7, 0).len(), 3 * MIB);
    }
}

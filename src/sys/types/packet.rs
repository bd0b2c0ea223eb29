//! A packet on the loopback interface.

use std::time::Duration;

/// One packet as it passed.
#[derive(Debug, Clone, Copy)]
pub struct CapturedPacket<'a> {
    /// The time since 1970 at which it passed.
    pub timestamp: Duration,
    /// How long it was, in bytes.
    pub length: usize,
    /// Its beginning, from the Ethernet header on; all of it where there was room.
    pub bytes: &'a [u8],
}

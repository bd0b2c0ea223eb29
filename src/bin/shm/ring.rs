//! Two rings of bytes in shared memory, one for each direction, and what their two sides say to each other.
//!
//! Of each ring one side is the writer and the other the reader. Each has a counter of its own, of
//! all bytes it has put in or taken out (modulo 2³²), which it alone writes: so no lock is needed.
//! The difference is what lies in the ring. A counter is stored with *release* after the bytes are
//! in place, and loaded with *acquire* before they are touched.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, Ordering};

/// The bytes in each ring: a power of two, since the counters go round at 2³².
pub const SIZE: u32 = 256 * 1024;

#[repr(C)]
pub struct Ring {
    pub writer: Side,
    pub reader: Side,
    pub bytes: UnsafeCell<[u8; SIZE as usize]>,
}

/// What one side of a ring says to the other, in cache lines that only it writes to, but for `waits`. (Two lines,
/// because processors like to fetch the neighbour as well.)
#[repr(C, align(128))]
pub struct Side {
    /// How many bytes it has moved.
    pub moved: AtomicU32,
    /// 1 while it wants to be woken.
    pub waits: AtomicU32,
    /// 1 once a writer will write nothing more.
    pub ended: AtomicU32,
}

impl Ring {
    /// How many bytes lie in it, for a reader who has taken `read`; zero at the end.
    pub fn unread(&self, read: u32) -> Option<u32> {
        let ended = self.writer.ended.load(Ordering::Acquire) == 1;
        let unread = self.writer.moved.load(Ordering::Acquire).wrapping_sub(read);
        (unread > 0 || ended).then_some(unread)
    }

    /// How much more it can take, for a writer who has put in `written`.
    pub fn room(&self, written: u32) -> Option<u32> {
        let full = written.wrapping_sub(self.reader.moved.load(Ordering::Acquire));
        (full != SIZE).then_some(SIZE.wrapping_sub(full))
    }
}

//! Two rings of bytes in shared memory, one for each direction, and the counters of their two sides.
//!
//! Each ring has a writer and a reader. Each of the two has a counter of all bytes that it has put
//! in or taken out (modulo 2³²). Only its owner changes a counter, so the ring needs no lock. The
//! difference of the counters is the number of bytes in the ring. A side stores its counter with
//! *release* after it has copied the bytes, and loads the other with *acquire* before it copies.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, Ordering};

/// The number of bytes in each ring buffer of the shared memory: a power of two, because the counters wrap at 2³².
pub const SIZE: u32 = 256 * 1024;

#[repr(C)]
pub struct Ring {
    pub writer: Side,
    pub reader: Side,
    pub bytes: UnsafeCell<[u8; SIZE as usize]>,
}

/// One side of a ring buffer in shared memory, its writer or its reader. It fills two cache lines of its own
/// (processors prefetch the neighbouring line), and only `waits` is also written by the other side.
#[repr(C, align(128))]
pub struct Side {
    /// The number of bytes that one side of a ring buffer has written or read.
    pub moved: AtomicU32,
    /// 1 while this side of a ring buffer wants to be woken.
    pub waits: AtomicU32,
    /// 1 when the writer of a ring buffer has finished.
    pub ended: AtomicU32,
}

impl Ring {
    /// Returns how many bytes of a ring buffer a reader can take that has taken `read` bytes; zero at the end.
    pub fn unread(&self, read: u32) -> Option<u32> {
        let ended = self.writer.ended.load(Ordering::Acquire) == 1;
        let unread = self.writer.moved.load(Ordering::Acquire).wrapping_sub(read);
        (unread > 0 || ended).then_some(unread)
    }

    /// Returns how many bytes a writer can add to a ring buffer that has put in `written` bytes.
    pub fn room(&self, written: u32) -> Option<u32> {
        let full = written.wrapping_sub(self.reader.moved.load(Ordering::Acquire));
        (full != SIZE).then_some(SIZE.wrapping_sub(full))
    }
}

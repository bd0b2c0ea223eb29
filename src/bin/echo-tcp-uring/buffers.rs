//! Buffers that the kernel takes when data arrives, and that the program gives back.

use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};

/// The number of the one group of buffers.
pub const GROUP: u16 = 0;
const COUNT: u16 = 128;
const SIZE: usize = 64 * 1024;
/// The distance of two buffers, a cache line more than their size. At a distance of 64 KiB, the first bytes of all buffers
/// would share one set of the processor's cache, which has room for a dozen of them.
const DISTANCE: usize = SIZE + 64;

/// All buffers, and the ring in memory shared with the kernel that holds those the kernel may take. They last as long as
/// the process.
pub struct Buffers {
    memory: Vec<u8>,
    ring: NonNull<BufRingEntry>,
    tail: u16,
}

impl Buffers {
    /// Registers the buffers with `ring`, and gives all of them to the kernel.
    pub fn new(ring: &IoUring) -> io::Result<Buffers> {
        let length =
            NonZeroUsize::new(usize::from(COUNT) * size_of::<BufRingEntry>()).unwrap_or(NonZeroUsize::MIN);
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        #[expect(unsafe_code, reason = "the kernel reads the entries and writes the buffers")]
        // SAFETY: the mapping is new, aligned to a page, zeroed, and never unmapped.
        let entries = unsafe {
            let entries = mmap_anonymous(None, length, access, MapFlags::MAP_PRIVATE)?.cast();
            ring.submitter().register_buf_ring_with_flags(entries.as_ptr() as u64, COUNT, GROUP, 0)?;
            entries
        };
        let mut buffers = Buffers { memory: vec![0; usize::from(COUNT) * DISTANCE], ring: entries, tail: 0 };
        buffers.give_back(0..COUNT);
        Ok(buffers)
    }

    pub fn get(&self, number: u16) -> &[u8] {
        &self.memory[usize::from(number) * DISTANCE..][..SIZE]
    }

    /// Gives buffers to the kernel, which takes them in this order.
    pub fn give_back(&mut self, numbers: impl Iterator<Item = u16>) {
        for number in numbers {
            let address = self.get(number).as_ptr() as u64;
            #[expect(unsafe_code, reason = "the ring is memory shared with the kernel")]
            // SAFETY: the index is within the ring, and the kernel reads no entry beyond the tail.
            let entry = unsafe { self.ring.add(usize::from(self.tail % COUNT)).as_mut() };
            entry.set_addr(address);
            entry.set_len(SIZE as u32);
            entry.set_bid(number);
            self.tail = self.tail.wrapping_add(1);
        }
        #[expect(unsafe_code, reason = "the tail is memory shared with the kernel")]
        // SAFETY: the first entry of the ring contains the tail.
        let tail = unsafe { &*BufRingEntry::tail(self.ring.as_ptr()).cast::<AtomicU16>() };
        tail.store(self.tail, Ordering::Release);
    }
}

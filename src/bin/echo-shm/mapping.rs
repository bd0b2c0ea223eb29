//! Two rings, mapped into this process from an open file in memory.

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use super::ring::Ring;

pub struct Mapping(NonNull<[Ring; 2]>);

#[expect(unsafe_code, reason = "the client accesses the memory too")]
// SAFETY: the counters are atomic, and only the thread that echoes accesses the bytes.
unsafe impl Sync for Mapping {}

impl Mapping {
    pub const LENGTH: NonZeroUsize = NonZeroUsize::new(size_of::<[Ring; 2]>()).unwrap();

    /// Maps the shared memory `file`. New memory is zero, which makes two empty rings.
    pub fn of(file: &OwnedFd) -> io::Result<Mapping> {
        let both = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        #[expect(unsafe_code, reason = "mmap(2)")]
        // SAFETY: the kernel chooses unused addresses.
        let rings = unsafe { mmap(None, Mapping::LENGTH, both, MapFlags::MAP_SHARED, file, 0) }?;
        Ok(Mapping(rings.cast()))
    }

    pub fn ring(&self, number: usize) -> &Ring {
        #[expect(unsafe_code, reason = "memory from mmap(2)")]
        // SAFETY: it exists as long as `self`, zero is valid for every field, and all that changes is
        // atomic or in an UnsafeCell.
        unsafe {
            &self.0.as_ref()[number]
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "munmap(2)")]
        // SAFETY: it was mapped with this length, and no borrow outlives `self`.
        let _ = unsafe { munmap(self.0.cast(), size_of::<[Ring; 2]>()) };
    }
}

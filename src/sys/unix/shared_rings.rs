//! The client's side of the memory that `echo-shm` shares: a ring of bytes for each direction.
//!
//! The server explains the layout in `src/bin/echo-shm/ring.rs` and the protocol in `src/bin/echo-shm/memory.rs`. The
//! names here are the same. The test `ring_model.rs` runs the protocol in every order.

use std::cell::UnsafeCell;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use std::thread;

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use nix::sys::stat::fstat;
use nix::unistd::{read, write};

use crate::sys::system::futex::{futex_wait, futex_wake};

/// The number of bytes that each of the two rings in shared memory holds.
pub const RING_SIZE: usize = SIZE as usize;

const SIZE: u32 = 256 * 1024;

const LENGTH: NonZeroUsize = NonZeroUsize::new(size_of::<[Ring; 2]>()).unwrap();

#[repr(C)]
struct Ring {
    writer: Side,
    reader: Side,
    bytes: UnsafeCell<[u8; RING_SIZE]>,
}

#[repr(C, align(128))]
struct Side {
    moved: AtomicU32,
    waits: AtomicU32,
    ended: AtomicU32,
}

struct Shared {
    rings: NonNull<[Ring; 2]>,
    /// The descriptors that wake a writer or reader of the rings: writer and reader of the first ring, then of the
    /// second. Empty if the server wakes with a futex or polls.
    bells: Vec<OwnedFd>,
    /// Whether the server is gone, so that waiting for it is useless.
    gone: AtomicBool,
}

#[expect(unsafe_code, reason = "a raw pointer is not Send by itself")]
// SAFETY: the mapping is not bound to a thread. All fields of a ring but its bytes are atomic. By the counters, each
// byte belongs to the writer or to the reader.
unsafe impl Send for Shared {}
#[expect(unsafe_code, reason = "a raw pointer is not Sync by itself")]
// SAFETY: as for Send. Each ring has one `RingWriter` or `RingReader` here, and accessing the bytes needs `&mut self`.
unsafe impl Sync for Shared {}

/// The end of the ring in shared memory at which the harness writes. The server reads at the other end.
pub struct RingWriter {
    shared: Arc<Shared>,
    written: u32,
}

/// The end of the ring in shared memory at which the harness reads. The server writes at the other end.
pub struct RingReader {
    shared: Arc<Shared>,
    read: u32,
}

/// Wakes the writer and the reader of the rings in shared memory, if they wait for a server that is gone.
pub struct RingHangUp(Arc<Shared>);

/// Maps the shared memory with the two rings that a server has passed. `passed` is its descriptor, followed by the four
/// descriptors that wake the sides, if the server uses them.
///
/// # Errors
/// `InvalidData` for other descriptors; those of mmap(2).
pub fn map_rings(mut passed: Vec<OwnedFd>) -> io::Result<(RingWriter, RingReader, RingHangUp)> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "the server passed other descriptors");
    if !matches!(passed.len(), 1 | 5) {
        return Err(invalid());
    }
    let file = passed.remove(0);
    if usize::try_from(fstat(&file)?.st_size).unwrap_or_default() < LENGTH.get() {
        return Err(invalid());
    }
    let both = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    #[expect(unsafe_code, reason = "mmap(2) returns a raw pointer")]
    // SAFETY: the kernel chooses unused addresses, and the file is at least as long as the mapping.
    let rings = unsafe { mmap(None, LENGTH, both, MapFlags::MAP_SHARED, &file, 0) }?.cast();
    let shared = Arc::new(Shared { rings, bells: passed, gone: AtomicBool::new(false) });
    let reader = RingReader { shared: Arc::clone(&shared), read: 0 };
    Ok((RingWriter { shared: Arc::clone(&shared), written: 0 }, reader, RingHangUp(shared)))
}

impl Shared {
    fn ring(&self, number: usize) -> &Ring {
        #[expect(unsafe_code, reason = "the memory comes from mmap(2)")]
        // SAFETY: the memory is mapped as long as `self` exists. All bytes are valid for every field. The fields that
        // the server changes are atomic or in an UnsafeCell.
        unsafe {
            &self.rings.as_ref()[number]
        }
    }

    /// Waits until `look` returns a value, and returns that value. `None` if the server is gone. Between two calls of
    /// `look` it calls `pause`, or sleeps without one.
    #[inline]
    fn wait(
        &self,
        us: &Side,
        bell: usize,
        pause: Option<impl Fn()>,
        look: impl Fn() -> Option<u32>,
    ) -> Option<u32> {
        loop {
            if let Some(found) = look() {
                return Some(found);
            }
            if self.gone.load(Ordering::Acquire) {
                return look();
            }
            match &pause {
                Some(pause) => pause(),
                None => self.sleep(us, bell, || look().is_some() || self.gone.load(Ordering::Acquire)),
            }
        }
    }

    /// Sleeps until the other side of the rings wakes this side. Sets the flag before it looks for the last time, so
    /// that no wake-up is lost.
    fn sleep(&self, us: &Side, bell: usize, is_over: impl Fn() -> bool) {
        us.waits.store(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if is_over() {
            return;
        }
        match self.bells.get(bell) {
            Some(bell) => drop(read(bell, &mut [0; 8])),
            None => sleep_while_one(&us.waits),
        }
    }

    /// Wakes the other side of the rings if that side sleeps or is about to sleep.
    #[inline]
    fn wake(&self, them: &Side, bell: usize) {
        fence(Ordering::SeqCst);
        if them.waits.load(Ordering::Relaxed) == 1 && them.waits.swap(0, Ordering::Relaxed) == 1 {
            match self.bells.get(bell) {
                Some(bell) => drop(write(bell, &1_u64.to_ne_bytes())),
                None => drop(futex_wake(&them.waits)),
            }
        }
    }
}

/// Sleeps while `flag` is 1, until the other side of the rings wakes this side. Sleeping may end early. Without a futex
/// it yields the processor; on such a system, no server asks for a futex.
fn sleep_while_one(flag: &AtomicU32) {
    if futex_wait(flag, 1, None).is_err() {
        thread::yield_now();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "munmap(2) takes a raw pointer")]
        // SAFETY: the memory was mapped with this length, and no reference into it is left.
        let _ = unsafe { munmap(self.rings.cast(), LENGTH.get()) };
    }
}

impl RingWriter {
    /// Writes all of `bytes` into the ring. While the ring is full, it calls `pause`, or sleeps without one.
    ///
    /// # Errors
    /// `BrokenPipe` if the server has gone.
    #[inline]
    pub fn send(&mut self, bytes: &[u8], pause: Option<impl Fn()>) -> io::Result<()> {
        let ring = self.shared.ring(0);
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = || {
                let full = self.written.wrapping_sub(ring.reader.moved.load(Ordering::Acquire));
                (full != SIZE).then_some(SIZE.wrapping_sub(full))
            };
            let room = self.shared.wait(&ring.writer, 0, pause.as_ref(), room);
            let room = room.filter(|room| *room <= SIZE).ok_or(io::ErrorKind::BrokenPipe)?;
            let offset = self.written % SIZE;
            let length = rest.len().min(room.min(SIZE - offset) as usize);
            #[expect(unsafe_code, reason = "copying into shared memory")]
            // SAFETY: the range lies within the ring, and by the counters it belongs to the writer.
            unsafe {
                let target = ring.bytes.get().cast::<u8>().add(offset as usize);
                ptr::copy_nonoverlapping(rest.as_ptr(), target, length);
            }
            self.written = self.written.wrapping_add(length as u32);
            ring.writer.moved.store(self.written, Ordering::Release);
            self.shared.wake(&ring.reader, 1);
            rest = &rest[length..];
        }
        Ok(())
    }

    /// Tells the server that no more bytes follow in the ring that it reads.
    pub fn end(&mut self) {
        let ring = self.shared.ring(0);
        ring.writer.ended.store(1, Ordering::Release);
        self.shared.wake(&ring.reader, 1);
    }
}

impl RingReader {
    /// Waits for bytes and reads as many as fit into `buffer`. While it waits, it calls `pause`, or sleeps without
    /// one. Returns 0 at the end.
    ///
    /// # Errors
    /// `ConnectionReset` if the server has gone without an end.
    #[inline]
    pub fn receive(&mut self, buffer: &mut [u8], pause: Option<impl Fn()>) -> io::Result<usize> {
        let ring = self.shared.ring(1);
        let unread = || {
            let ended = ring.writer.ended.load(Ordering::Acquire) == 1;
            let unread = ring.writer.moved.load(Ordering::Acquire).wrapping_sub(self.read);
            (unread > 0 || ended).then_some(unread)
        };
        let unread = self.shared.wait(&ring.reader, 3, pause, unread);
        let unread = unread.filter(|unread| *unread <= SIZE).ok_or(io::ErrorKind::ConnectionReset)?;
        let offset = self.read % SIZE;
        let length = buffer.len().min(unread.min(SIZE - offset) as usize);
        #[expect(unsafe_code, reason = "copying out of shared memory")]
        // SAFETY: the range lies within the ring, and by the counters it belongs to the reader.
        unsafe {
            let source = ring.bytes.get().cast::<u8>().add(offset as usize);
            ptr::copy_nonoverlapping(source, buffer.as_mut_ptr(), length);
        }
        self.read = self.read.wrapping_add(length as u32);
        ring.reader.moved.store(self.read, Ordering::Release);
        self.shared.wake(&ring.writer, 2);
        Ok(length)
    }
}

impl RingHangUp {
    /// Marks the server as gone and wakes the writer and the reader that wait for it.
    pub fn hang_up(&self) {
        self.0.gone.store(true, Ordering::SeqCst);
        for (side, bell) in [(&self.0.ring(0).writer, 0), (&self.0.ring(1).reader, 3)] {
            side.waits.store(1, Ordering::SeqCst);
            match self.0.bells.get(bell) {
                // The client has the waiting end of its own bells. An eventfd is both ends at once.
                Some(bell) => drop(write(bell, &1_u64.to_ne_bytes())),
                None => {
                    side.waits.store(0, Ordering::SeqCst);
                    let _ = futex_wake(&side.waits);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::mem;

    use nix::sys::mman::mmap_anonymous;

    use super::*;

    /// Returns both ends of one ring. Of three rings in a row, the second is the writer's first and the reader's
    /// second. The memory stays mapped until the process exits.
    fn both_ends() -> (RingWriter, RingReader) {
        let length = NonZeroUsize::new(size_of::<[Ring; 3]>()).unwrap();
        let both = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        #[expect(unsafe_code, reason = "mmap(2) returns a raw pointer")]
        // SAFETY: the kernel chooses unused addresses.
        let rings =
            unsafe { mmap_anonymous(None, length, both, MapFlags::MAP_PRIVATE) }.unwrap().cast::<Ring>();
        #[expect(unsafe_code, reason = "pointer arithmetic")]
        // SAFETY: the mapping holds three rings.
        let second = unsafe { rings.add(1) };
        let [reading, writing] = [rings, second].map(|rings| {
            let gone = AtomicBool::new(false);
            Arc::new(Shared { rings: rings.cast(), bells: Vec::new(), gone })
        });
        // The last owner would unmap a part of the memory.
        mem::forget((Arc::clone(&reading), Arc::clone(&writing)));
        (RingWriter { shared: writing, written: 0 }, RingReader { shared: reading, read: 0 })
    }

    /// Sends more than two rings of bytes from one thread to another, and checks them.
    fn transfer(pause: Option<fn()>) {
        let (mut writer, mut reader) = both_ends();
        let message = b"every byte once, and in order".repeat(RING_SIZE / 12);
        let mut received = Vec::new();
        thread::scope(|scope| {
            scope.spawn(|| {
                writer.send(&message, pause).unwrap();
                writer.end();
            });
            let mut buffer = vec![0; RING_SIZE / 3];
            loop {
                match reader.receive(&mut buffer, pause).unwrap() {
                    0 => break,
                    length => received.extend_from_slice(&buffer[..length]),
                }
            }
        });
        assert!(received == message, "{} bytes came of {}", received.len(), message.len());
    }

    #[test]
    fn a_ring_carries_bytes_between_threads_that_sleep() {
        transfer(None);
    }

    #[test]
    fn a_ring_carries_bytes_between_threads_that_spin() {
        transfer(Some(thread::yield_now));
    }

    #[test]
    fn hanging_up_wakes_both_sides() {
        let (writer, mut reader) = both_ends();
        let error = thread::scope(|scope| {
            scope.spawn(|| RingHangUp(Arc::clone(&reader.shared)).hang_up());
            RingReader { shared: Arc::clone(&reader.shared), read: 0 }.receive(&mut [0; 8], None::<fn()>)
        });
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert!(reader.receive(&mut [0; 8], None::<fn()>).is_err());
        RingHangUp(Arc::clone(&writer.shared)).hang_up();
        let full = vec![0; RING_SIZE + 1];
        let error = RingWriter { shared: Arc::clone(&writer.shared), written: 0 }.send(&full, None::<fn()>);
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}

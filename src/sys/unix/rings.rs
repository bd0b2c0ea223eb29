//! The client's side of the memory that `echo-shm` shares: a ring of bytes for each direction, and how its ends are
//! awaited. Layout and protocol are those of `src/bin/echo-shm/ring.rs` and `src/bin/echo-shm/memory.rs`, which explain them.

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

/// The bytes that each ring holds.
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
    /// For the writer and the reader of the first ring, then of the second; none where a futex or nothing wakes.
    bells: Vec<OwnedFd>,
    gone: AtomicBool,
}

#[expect(unsafe_code, reason = "what is behind the pointer is shared with another process anyway")]
// SAFETY: what both sides touch is atomic, and the bytes of a ring belong to one writer and one reader at a time.
unsafe impl Send for Shared {}
#[expect(unsafe_code, reason = "as above")]
// SAFETY: as above: there is one `RingWriter` and one `RingReader`, and both need `&mut self` for the bytes.
unsafe impl Sync for Shared {}

/// Puts bytes into the ring that the server reads.
pub struct RingWriter {
    shared: Arc<Shared>,
    written: u32,
}

/// Takes bytes out of the ring that the server writes.
pub struct RingReader {
    shared: Arc<Shared>,
    read: u32,
}

/// Ends whatever waits for a server that is no more.
pub struct RingHangUp(Arc<Shared>);

/// Maps what a server has passed: the memory, and four bells where it sleeps by these.
///
/// # Errors
/// `InvalidData` where that is something else; those of mmap(2).
pub fn map_rings(mut passed: Vec<OwnedFd>) -> io::Result<(RingWriter, RingReader, RingHangUp)> {
    let strange = || io::Error::new(io::ErrorKind::InvalidData, "the server passed other descriptors");
    if !matches!(passed.len(), 1 | 5) {
        return Err(strange());
    }
    let file = passed.remove(0);
    if usize::try_from(fstat(&file)?.st_size).unwrap_or_default() < LENGTH.get() {
        return Err(strange());
    }
    let both = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    #[expect(unsafe_code, reason = "mmap(2)")]
    // SAFETY: the kernel chooses a place where nothing is, and the file is as long as the mapping.
    let rings = unsafe { mmap(None, LENGTH, both, MapFlags::MAP_SHARED, &file, 0) }?.cast();
    let shared = Arc::new(Shared { rings, bells: passed, gone: AtomicBool::new(false) });
    let reader = RingReader { shared: Arc::clone(&shared), read: 0 };
    Ok((RingWriter { shared: Arc::clone(&shared), written: 0 }, reader, RingHangUp(shared)))
}

impl Shared {
    fn ring(&self, number: usize) -> &Ring {
        #[expect(unsafe_code, reason = "memory that mmap(2) gave")]
        // SAFETY: it is there as long as `self`, any bytes are valid for every field, and what changes in it is atomic
        // or in an UnsafeCell.
        unsafe {
            &self.rings.as_ref()[number]
        }
    }

    /// What `look` tells of, or `None` once the server is gone. Where nothing is to be seen, `pause` passes the moment;
    /// without one, we sleep.
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

    /// The flag first, then one more look: see `src/bin/echo-shm/memory.rs`.
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

    /// Wakes the other side if it sleeps, or is about to.
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

/// Sleeps while `flag` is 1, until the other side wakes this one. It may return early. Without a futex it only gives the
/// processor up: no server of such a system offers memory with a futex.
fn sleep_while_one(flag: &AtomicU32) {
    if futex_wait(flag, 1, None).is_err() {
        thread::yield_now();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "munmap(2)")]
        // SAFETY: it was mapped with this length, and whoever borrowed from it is gone.
        let _ = unsafe { munmap(self.rings.cast(), LENGTH.get()) };
    }
}

impl RingWriter {
    /// Puts all of `bytes` into the ring; where that is full, waits by `pause`, or asleep without one.
    ///
    /// # Errors
    /// `BrokenPipe` once the server is gone.
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
            let place = self.written % SIZE;
            let length = rest.len().min(room.min(SIZE - place) as usize);
            #[expect(unsafe_code, reason = "copying into shared memory")]
            // SAFETY: the piece lies within the ring, and by the counters it is the writer's.
            unsafe {
                let target = ring.bytes.get().cast::<u8>().add(place as usize);
                ptr::copy_nonoverlapping(rest.as_ptr(), target, length);
            }
            self.written = self.written.wrapping_add(length as u32);
            ring.writer.moved.store(self.written, Ordering::Release);
            self.shared.wake(&ring.reader, 1);
            rest = &rest[length..];
        }
        Ok(())
    }

    /// Says that nothing more will come.
    pub fn end(&mut self) {
        let ring = self.shared.ring(0);
        ring.writer.ended.store(1, Ordering::Release);
        self.shared.wake(&ring.reader, 1);
    }
}

impl RingReader {
    /// Waits for bytes, by `pause` or asleep without one, and takes what fits; zero is the end.
    ///
    /// # Errors
    /// `ConnectionReset` once the server is gone without having ended its direction.
    #[inline]
    pub fn receive(&mut self, buffer: &mut [u8], pause: Option<impl Fn()>) -> io::Result<usize> {
        let ring = self.shared.ring(1);
        let there = || {
            let ended = ring.writer.ended.load(Ordering::Acquire) == 1;
            let unread = ring.writer.moved.load(Ordering::Acquire).wrapping_sub(self.read);
            (unread > 0 || ended).then_some(unread)
        };
        let there = self.shared.wait(&ring.reader, 3, pause, there);
        let there = there.filter(|there| *there <= SIZE).ok_or(io::ErrorKind::ConnectionReset)?;
        let place = self.read % SIZE;
        let length = buffer.len().min(there.min(SIZE - place) as usize);
        #[expect(unsafe_code, reason = "copying out of shared memory")]
        // SAFETY: the piece lies within the ring, and by the counters it is the reader's.
        unsafe {
            let source = ring.bytes.get().cast::<u8>().add(place as usize);
            ptr::copy_nonoverlapping(source, buffer.as_mut_ptr(), length);
        }
        self.read = self.read.wrapping_add(length as u32);
        ring.reader.moved.store(self.read, Ordering::Release);
        self.shared.wake(&ring.writer, 2);
        Ok(length)
    }
}

impl RingHangUp {
    /// Ends all waiting, now and for ever.
    pub fn hang_up(&self) {
        self.0.gone.store(true, Ordering::SeqCst);
        for (side, bell) in [(&self.0.ring(0).writer, 0), (&self.0.ring(1).reader, 3)] {
            side.waits.store(1, Ordering::SeqCst);
            match self.0.bells.get(bell) {
                // What the client was passed of its own bells is the end that listens; an eventfd is both.
                Some(bell) => drop(write(bell, &1_u64.to_ne_bytes())),
                None => {
                    side.waits.store(0, Ordering::SeqCst);
                    let _ = futex_wake(&side.waits);
                }
            }
        }
    }
}

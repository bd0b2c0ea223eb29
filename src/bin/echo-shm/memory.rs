//! The memory of one client, the echo in it, and four ways to wait.
//!
//! No wake-up is lost, because the two sides do two things in opposite order, with a fence between
//! them. A side that wants to sleep sets its flag and *then* checks the counters again. A side that
//! has changed a counter *then* checks the flag, clears it and wakes the other. At least one of the
//! two sees the change of the other. A futex is the flag itself: the kernel does not let a thread
//! sleep if the flag is clear. An eventfd counts, so a wake-up before the sleep is not lost.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::{hint, io, thread};

use nix::unistd::{read, write};

use super::mapping::Mapping;
use super::ring::{SIZE, Side};
use super::system;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    Futex,
    Eventfd,
    Spin,
    Yield,
}

impl Waiting {
    pub fn named(name: &str) -> Option<Waiting> {
        Some(match name {
            "futex" => Waiting::Futex,
            "eventfd" => Waiting::Eventfd,
            "spin" => Waiting::Spin,
            "yield" => Waiting::Yield,
            _ => return None,
        })
    }
}

/// The shared memory of one client: first the ring that the client writes, then the ring that it reads.
pub struct Memory {
    rings: Mapping,
    file: OwnedFd,
    waiting: Waiting,
    /// For `eventfd` only: the bells that wake writer and reader of the first ring, then of the second.
    bells: Vec<system::Bell>,
    /// Whether the client of the shared memory has hung up.
    gone: AtomicBool,
}

impl Memory {
    pub fn new(waiting: Waiting) -> io::Result<Memory> {
        if waiting == Waiting::Futex {
            system::has_futex()?;
        }
        let bells = if waiting == Waiting::Eventfd { 4 } else { 0 };
        let bells = (0..bells).map(|_| system::bell()).collect::<io::Result<_>>()?;
        let file = system::memory(Mapping::LENGTH)?;
        let rings = Mapping::of(&file)?;
        Ok(Memory { rings, file, waiting, bells, gone: AtomicBool::new(false) })
    }

    /// Returns the descriptors that the client needs: the shared memory, and its end of each wake-up bell.
    pub fn descriptors(&self) -> Vec<RawFd> {
        let ends = self.bells.iter().zip([true, false, false, true]);
        let ends = ends.map(|(bell, waits)| if waits { &bell.waiting_end } else { &bell.waking_end });
        [&self.file].into_iter().chain(ends).map(AsRawFd::as_raw_fd).collect()
    }

    /// Moves bytes from the client's ring into the server's until the client ends its direction or is gone.
    pub fn echo(&self) {
        let (from, to) = (self.rings.ring(0), self.rings.ring(1));
        // The client could change the counters in memory, so the server keeps its own.
        let (mut read, mut written) = (0_u32, 0_u32);
        loop {
            let unread = self.wait(&from.reader, 1, || from.unread(read));
            let room = self.wait(&to.writer, 2, || to.room(written));
            let limits = [SIZE - read % SIZE, SIZE - written % SIZE, unread, room];
            let length = limits.into_iter().min().unwrap_or(0);
            // The end, or a client whose counters are wrong.
            if length == 0 || unread > SIZE || room > SIZE || self.gone.load(Ordering::Relaxed) {
                break;
            }
            let (source, target) = (from.bytes.get().cast::<u8>(), to.bytes.get().cast::<u8>());
            #[expect(unsafe_code, reason = "copying in shared memory")]
            // SAFETY: both ranges lie within their rings. According to the counters they are the server's.
            // A client that ignores the counters changes only its own bytes, which have no invalid values.
            unsafe {
                let source = source.add((read % SIZE) as usize);
                ptr::copy_nonoverlapping(source, target.add((written % SIZE) as usize), length as usize);
            }
            (read, written) = (read.wrapping_add(length), written.wrapping_add(length));
            to.writer.moved.store(written, Ordering::Release);
            self.wake(&to.reader, 3);
            from.reader.moved.store(read, Ordering::Release);
            self.wake(&from.writer, 0);
        }
        to.writer.ended.store(1, Ordering::Release);
        self.wake(&to.reader, 3);
    }

    /// Ends `echo`, which may be asleep, because the client has hung up.
    pub fn hang_up(&self) {
        self.gone.store(true, Ordering::SeqCst);
        for (side, bell) in [(&self.rings.ring(0).reader, 1), (&self.rings.ring(1).writer, 2)] {
            // The client may have changed the flag.
            side.waits.store(1, Ordering::SeqCst);
            self.wake(side, bell);
        }
    }

    /// Waits until `look`, which inspects a ring, returns a value, or the client has gone.
    fn wait(&self, us: &Side, bell: usize, look: impl Fn() -> Option<u32>) -> u32 {
        let look = || look().or_else(|| self.gone.load(Ordering::Acquire).then_some(0));
        loop {
            if let Some(found) = look() {
                return found;
            }
            match self.waiting {
                Waiting::Spin => hint::spin_loop(),
                Waiting::Yield => thread::yield_now(),
                Waiting::Futex | Waiting::Eventfd => {
                    us.waits.store(1, Ordering::Relaxed);
                    fence(Ordering::SeqCst);
                    if let Some(found) = look() {
                        return found;
                    }
                    match self.bells.get(bell) {
                        Some(bell) => drop(read(&bell.waiting_end, &mut [0; 8])),
                        None => system::sleep_while_one(&us.waits),
                    }
                }
            }
        }
    }

    /// Wakes the process at the other side of a ring if it sleeps or is about to sleep.
    fn wake(&self, them: &Side, bell: usize) {
        if matches!(self.waiting, Waiting::Spin | Waiting::Yield) {
            return;
        }
        fence(Ordering::SeqCst);
        if them.waits.load(Ordering::Relaxed) == 1 && them.waits.swap(0, Ordering::Relaxed) == 1 {
            match self.bells.get(bell) {
                Some(bell) => drop(write(&bell.waking_end, &1_u64.to_ne_bytes())),
                None => system::wake(&them.waits),
            }
        }
    }
}

//! The two queues that the program shares with the kernel.

use std::io;

use io_uring::{IoUring, cqueue, squeue};
use nix::errno::Errno;
use nix::libc;

use crate::buffers::Buffers;

pub struct Ring(IoUring);

impl Ring {
    /// Makes an io_uring for one thread. The kernel delivers results only when the thread asks for them.
    pub fn new() -> io::Result<Ring> {
        let ring =
            IoUring::builder().setup_single_issuer().setup_defer_taskrun().setup_cqsize(8192).build(1024);
        ring.map(Ring).map_err(explain)
    }

    /// Puts all `calls` into the queue of the io_uring at once, because linked calls must be submitted together.
    pub fn push(&mut self, calls: &[squeue::Entry]) -> io::Result<()> {
        #[expect(unsafe_code, reason = "the kernel will use the memory that a call names")]
        // SAFETY: that is a connection's buffer, neither accessed nor freed while its calls are running.
        while unsafe { self.0.submission().push_multiple(calls) }.is_err() {
            // The queue is full: submit its calls first.
            self.0.submit()?;
        }
        Ok(())
    }

    /// Submits the calls in the queue of the io_uring, and waits for so many results.
    pub fn submit_and_wait(&mut self, results: usize) -> io::Result<()> {
        match self.0.submit_and_wait(results) {
            // EBUSY: the completion queue is full. The caller handles its results first.
            Err(error) if !matches!(error.raw_os_error(), Some(libc::EINTR | libc::EBUSY)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Returns the next result of a call.
    pub fn next_result(&mut self) -> Option<Completion> {
        let completion = self.0.completion().next()?;
        // A negative result is the number of an error: io_uring does not set errno.
        let result = completion.result();
        Some(Completion {
            number: completion.user_data(),
            result: usize::try_from(result).map_err(|_| Errno::from_raw(-result)),
            buffer: cqueue::buffer_select(completion.flags()),
            is_last: !cqueue::more(completion.flags()),
        })
    }

    pub fn buffers(&self) -> io::Result<Buffers> {
        Buffers::new(&self.0).map_err(explain)
    }
}

/// A result of an io_uring call.
pub struct Completion {
    /// The number that the program has given to the call.
    pub number: u64,
    pub result: nix::Result<usize>,
    /// The buffer that the kernel has taken.
    pub buffer: Option<u16>,
    /// Whether the call has ended.
    pub is_last: bool,
}

/// Explains why the system refuses an io_uring. Containers forbid it by seccomp(2), administrators by
/// `kernel.io_uring_disabled`.
fn explain(error: io::Error) -> io::Error {
    let reason = match error.raw_os_error() {
        Some(libc::ENOSYS) => "this kernel has no io_uring, or seccomp(2) hides it",
        Some(libc::EPERM | libc::EACCES) => {
            "io_uring is forbidden here (by kernel.io_uring_disabled or by seccomp(2))"
        }
        Some(libc::EINVAL) => "this use of io_uring needs Linux 6.1",
        _ => return error,
    };
    io::Error::new(io::ErrorKind::Unsupported, format!("{reason}: {error}"))
}

//! The two queues that are shared with the kernel.

use std::io;

use io_uring::{IoUring, squeue};
use nix::errno::Errno;
use nix::libc;

pub struct Ring(IoUring);

impl Ring {
    /// For one thread, which takes answers only when it asks for them: the kernel need not interrupt it.
    pub fn new() -> io::Result<Ring> {
        let ring = IoUring::builder().setup_single_issuer().setup_defer_taskrun().build(1024);
        ring.map(Ring).map_err(explain)
    }

    /// Puts `calls` into the queue, all or none: what is linked must be handed over together.
    pub fn push(&mut self, calls: &[squeue::Entry]) -> io::Result<()> {
        #[expect(unsafe_code, reason = "the kernel will use the memory that a call names")]
        // SAFETY: that is a connection's buffer, neither touched nor freed while calls of its are under way.
        while unsafe { self.0.submission().push_multiple(calls) }.is_err() {
            // The queue is full: what is in it goes to the kernel first.
            self.0.submit()?;
        }
        Ok(())
    }

    /// Hands over what was pushed, and waits until there is an answer.
    pub fn enter(&mut self) -> io::Result<()> {
        match self.0.submit_and_wait(1) {
            // EBUSY: there are more answers than the queue holds. They come first.
            Err(error) if !matches!(error.raw_os_error(), Some(libc::EINTR | libc::EBUSY)) => Err(error),
            _ => Ok(()),
        }
    }

    /// The number of a call that has ended, and what came of it.
    pub fn next_answer(&mut self) -> Option<(u64, nix::Result<i32>)> {
        let answer = self.0.completion().next()?;
        // A negative result is the error's number: there is no errno here.
        let result = answer.result();
        Some((answer.user_data(), if result < 0 { Err(Errno::from_raw(-result)) } else { Ok(result) }))
    }
}

/// Containers forbid io_uring by seccomp(2), and administrators by `kernel.io_uring_disabled`.
fn explain(error: io::Error) -> io::Error {
    let reason = match error.raw_os_error() {
        Some(libc::ENOSYS) => "this kernel has no io_uring, or seccomp(2) hides it",
        Some(libc::EPERM | libc::EACCES) => {
            "io_uring is forbidden here (by kernel.io_uring_disabled or by seccomp(2))"
        }
        Some(libc::EINVAL) => "io_uring can do what is asked of it here only since Linux 6.1",
        _ => return error,
    };
    io::Error::new(io::ErrorKind::Unsupported, format!("{reason}: {error}"))
}

//! Whether io_uring(7) is to be had.

use std::io;

use io_uring::IoUring;

/// Sets the smallest one up, and lets it go: `kernel.io_uring_disabled` or a seccomp filter may forbid it.
pub fn check_io_uring() -> io::Result<()> {
    IoUring::new(1).map(drop)
}

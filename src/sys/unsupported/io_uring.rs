//! No io_uring.

use std::io;

use super::unsupported;

pub fn check_io_uring() -> io::Result<()> {
    unsupported("io_uring is Linux's")
}

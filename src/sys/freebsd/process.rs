//! FreeBSD: kqueue tells when a process ends.

pub use crate::sys::bsd::kqueue::wait_for_exit;
pub use crate::sys::unsupported::process::{
    STATUS_SIGNALS, children, claim_name, descriptor_count, descriptors, executable, has_env_var,
    inherit_no_descriptors, kill_with_parent, may_be_descendant, processes, set_subreaper, wait_channel,
};

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

nix::ioctl_read_bad!(fionwrite, nix::libc::FIONWRITE, nix::libc::c_int);

/// `FIONWRITE` of `<sys/filio.h>`: what is in the send buffer, where TCP keeps bytes until they are
/// acknowledged.
#[expect(unsafe_code, reason = "ioctl(2) is untyped")]
pub fn unacknowledged_bytes(socket: BorrowedFd<'_>) -> io::Result<usize> {
    let mut bytes = 0;
    // SAFETY: FIONWRITE writes one int, and `bytes` is one.
    unsafe { fionwrite(socket.as_raw_fd(), &raw mut bytes) }?;
    usize::try_from(bytes).map_err(io::Error::other)
}

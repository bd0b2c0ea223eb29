//! A pseudo-terminal that no launch inherits by mistake.

use std::io;
use std::os::fd::OwnedFd;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::openpty;

use super::launch_lock::between_launches;

/// A terminal: the end of whoever looks at it, and the end for programs.
///
/// # Errors
/// Those of `openpty(3)` and `fcntl(2)`.
pub fn open_pseudo_terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    // openpty(3) cannot mark its descriptors, and a launch in between would inherit them.
    between_launches(|| {
        let pair = openpty(None, None)?;
        for end in [&pair.master, &pair.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        }
        Ok((pair.master, pair.slave))
    })
}

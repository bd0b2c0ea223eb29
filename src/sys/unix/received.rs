//! Descriptors that come through a Unix socket: `SCM_RIGHTS`, unix(7).

use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::cmsg_space;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

/// The most that are taken at once.
const MOST: usize = 8;

/// Waits for one message on `socket`, and gives the descriptors that came with it: close-on-exec.
///
/// # Errors
/// `UnexpectedEof` where the other side hangs up instead; those of recvmsg(2).
pub fn receive_descriptors(socket: BorrowedFd<'_>) -> io::Result<Vec<OwnedFd>> {
    let mut byte = [0];
    let mut text = [IoSliceMut::new(&mut byte)];
    let mut space = cmsg_space!([RawFd; MOST]);
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut text, Some(&mut space), MsgFlags::empty())?;
    let mut passed = Vec::new();
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = part {
            #[expect(unsafe_code, reason = "the kernel has just given them to this process")]
            // SAFETY: nobody else knows these numbers yet.
            passed.extend(numbers.into_iter().map(|number| unsafe { OwnedFd::from_raw_fd(number) }));
        }
    }
    if message.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    for descriptor in &passed {
        fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    }
    Ok(passed)
}

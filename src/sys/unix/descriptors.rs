//! Descriptors of this process: close-on-exec, inherited and received ones, pseudo-terminals.

use std::fs;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::cmsg_space;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::sys::stat::Mode;

use super::launch::between_launches;

/// Marks every descriptor above 2 close-on-exec, so that servers do not inherit it. A shell, a CI runner or a build
/// tool may have passed descriptors without the flag.
///
/// The program calls this at its start, before other threads open descriptors. `/dev/fd` lists the calling process's
/// table on Linux, macOS and, with fdescfs, FreeBSD.
pub fn mark_descriptors_close_on_exec() {
    let Ok(table) = fs::read_dir("/dev/fd") else { return };
    let numbers = table.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    for number in numbers.filter(|&number: &RawFd| number > 2).collect::<Vec<_>>() {
        #[expect(unsafe_code, reason = "the table has numbers, and fcntl(2) takes a borrowed descriptor")]
        // SAFETY: the borrow lasts for two calls of fcntl(2), which close nothing. If the descriptor has been closed,
        // the calls return EBADF, which is ignored.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        if let Ok(bits) = fcntl(descriptor, FcntlArg::F_GETFD) {
            let flags = FdFlag::from_bits_retain(bits) | FdFlag::FD_CLOEXEC;
            let _ = fcntl(descriptor, FcntlArg::F_SETFD(flags));
        }
    }
}

/// Takes ownership of descriptor `number`, which this program was started with. The caller calls this once for each
/// number, and uses the number in no other way.
///
/// # Errors
/// `EBADF` if the descriptor is not open.
#[expect(unsafe_code, reason = "a program knows an inherited descriptor only by its number")]
pub fn take_inherited_descriptor(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the borrow lasts for one call, which closes nothing. A closed descriptor gives EBADF.
    fcntl(unsafe { BorrowedFd::borrow_raw(number) }, FcntlArg::F_GETFD)?;
    // SAFETY: the descriptor is open, and by this function's contract nothing else owns or closes it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Waits for a message on `socket` and returns the descriptors that came with it, close-on-exec: `SCM_RIGHTS`, unix(7).
///
/// # Errors
/// `UnexpectedEof` if the other end closes the connection instead; else those of recvmsg(2).
pub fn receive_descriptors(socket: BorrowedFd<'_>) -> io::Result<Vec<OwnedFd>> {
    const MAX_DESCRIPTORS: usize = 8;
    let mut byte = [0];
    let mut text = [IoSliceMut::new(&mut byte)];
    let mut space = cmsg_space!([RawFd; MAX_DESCRIPTORS]);
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut text, Some(&mut space), MsgFlags::empty())?;
    let mut received = Vec::new();
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = part {
            #[expect(unsafe_code, reason = "recvmsg(2) returns numbers")]
            // SAFETY: the kernel has just opened these descriptors, so nothing else owns them.
            received.extend(numbers.into_iter().map(|number| unsafe { OwnedFd::from_raw_fd(number) }));
        }
    }
    if message.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    for descriptor in &received {
        fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    }
    Ok(received)
}

/// Whether everything that was written to the master of a pseudo-terminal in raw mode has been read from its slave.
///
/// # Errors
/// Those of `ptsname(3)`, `open(2)`, `poll(2)` and `ioctl(2)`.
pub fn is_all_read_from_terminal(master: BorrowedFd<'_>) -> io::Result<bool> {
    let name = rustix::pty::ptsname(master, Vec::new())?;
    let slave = open(name.as_c_str(), OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC, Mode::empty())?;
    // On Linux a thread of the kernel hands the bytes over. If the slave has none yet, poll(2) waits for that thread
    // (n_tty_poll), and then the number of bytes is exact.
    let is_readable = poll(&mut [PollFd::new(slave.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO)? > 0;
    Ok(!is_readable && rustix::io::ioctl_fionread(&slave)? == 0)
}

/// Opens a pseudo-terminal. Returns its master and its slave, close-on-exec.
///
/// # Errors
/// Those of `openpty(3)` and `fcntl(2)`.
pub fn open_pseudo_terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    // openpty(3) cannot set the flag, and a program launched before it is set would inherit the descriptors.
    between_launches(|| {
        let pair = openpty(None, None)?;
        for end in [&pair.master, &pair.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        }
        Ok((pair.master, pair.slave))
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};

    use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

    use super::*;

    #[test]
    fn bytes_in_a_terminal_are_unread_until_the_last_is_read() {
        let (master, slave) = open_pseudo_terminal().unwrap();
        let mut modes = tcgetattr(&slave).unwrap();
        cfmakeraw(&mut modes);
        tcsetattr(&slave, SetArg::TCSANOW, &modes).unwrap();
        let (mut master, mut slave) = (File::from(master), File::from(slave));
        for _ in 0..100 {
            master.write_all(b"two").unwrap();
            assert!(!is_all_read_from_terminal(master.as_fd()).unwrap());
            slave.read_exact(&mut [0; 2]).unwrap();
            assert!(!is_all_read_from_terminal(master.as_fd()).unwrap());
            slave.read_exact(&mut [0; 1]).unwrap();
            assert!(is_all_read_from_terminal(master.as_fd()).unwrap());
        }
    }
}

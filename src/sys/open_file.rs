//! Open file descriptions: what descriptors refer to, and what those that were inherited have in common.
//!
//! | contract | Linux | macOS | elsewhere |
//! |---|---|---|---|
//! | [`open_file`] | `/proc/PID/fdinfo` | `proc_pidfdinfo` | unsupported |
//! | [`same_open_file`] | `kcmp(2)` | unsupported | unsupported |

use std::io;
use std::os::fd::RawFd;

use nix::unistd::Pid;

#[cfg(target_os = "linux")]
#[path = "open_file_linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "open_file_macos.rs"]
mod system;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
#[path = "open_file_other.rs"]
mod system;

/// An open file description, seen through one descriptor that refers to it. open(2).
///
/// All but `close_on_exec`, which is the descriptor's own, is shared with every other descriptor that was copied
/// from this one, by dup(2), by fork(2) or in a message, in whichever process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenFile {
    /// Opened for reading.
    pub readable: bool,
    /// Opened for writing.
    pub writable: bool,
    /// Where the next read or write begins, in bytes, if it is a file that has such a place.
    pub offset: u64,
    /// `O_APPEND`: each write goes to the end.
    pub append: bool,
    /// `O_NONBLOCK`: reads and writes that would wait fail with EAGAIN.
    pub nonblocking: bool,
    /// `FD_CLOEXEC`: execve(2) closes this descriptor. It is not shared.
    pub close_on_exec: bool,
}

/// What descriptor `number` of `pid` refers to.
///
/// # Errors
/// `NotFound` if it is not open; `PermissionDenied` for another user's process; `Unsupported` where the system
/// does not tell.
pub fn open_file(pid: Pid, number: RawFd) -> io::Result<OpenFile> {
    system::open_file(pid, number)
}

/// Whether two descriptors, of whichever processes, refer to one open file description.
///
/// # Errors
/// `Unsupported` where the system, or a sandbox around this process, does not tell.
pub fn same_open_file(one: (Pid, RawFd), other: (Pid, RawFd)) -> io::Result<bool> {
    system::same_open_file(one, other)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Seek, SeekFrom};
    use std::os::fd::AsRawFd;

    use super::*;

    fn shown(file: &File) -> Option<OpenFile> {
        match open_file(Pid::this(), file.as_raw_fd()) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => None,
            shown => Some(shown.unwrap()),
        }
    }

    #[test]
    fn an_offset_moves_with_every_copy_of_a_descriptor() {
        let mut file = File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
        let copy = file.try_clone().unwrap();
        file.seek(SeekFrom::Start(5)).unwrap();
        file.read_exact(&mut [0; 2]).unwrap();
        let Some(shown) = shown(&copy) else { return };
        let expected = OpenFile { readable: true, offset: 7, close_on_exec: true, ..OpenFile::default() };
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_copy_is_the_same_open_file_and_a_second_opening_is_not() {
        let open = || File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
        let (file, stranger) = (open(), open());
        let copy = file.try_clone().unwrap();
        let place = |file: &File| (Pid::this(), file.as_raw_fd());
        // A sandbox may forbid the question; then there is no answer, and no wrong one.
        let Ok(same) = same_open_file(place(&file), place(&copy)) else { return };
        assert!(same);
        assert!(!same_open_file(place(&file), place(&stranger)).unwrap());
    }

    #[test]
    fn a_closed_descriptor_is_not_found() {
        const FREE: RawFd = 65_000;
        let error = open_file(Pid::this(), FREE).unwrap_err();
        assert!(matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::Unsupported), "{error}");
    }
}

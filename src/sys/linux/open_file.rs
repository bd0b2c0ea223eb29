//! Linux: proc(5) on `/proc/PID/fdinfo`, and kcmp(2).

use std::fs;
use std::io;
use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::unistd::Pid;

use crate::sys::types::OpenFile;

pub fn open_file(pid: Pid, number: RawFd) -> io::Result<OpenFile> {
    let text = fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}"))?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let offset = field("pos:").and_then(|text| text.parse().ok());
    let flags = field("flags:").and_then(|text| i32::from_str_radix(text, 8).ok());
    let (Some(offset), Some(flags)) = (offset, flags) else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    };
    let flags = OFlag::from_bits_retain(flags);
    let mode = flags & OFlag::O_ACCMODE;
    // One that names a file and opens nothing (open(2)) has no access at all.
    let opens = !flags.contains(OFlag::O_PATH);
    Ok(OpenFile {
        readable: opens && mode != OFlag::O_WRONLY,
        writable: opens && mode != OFlag::O_RDONLY,
        offset,
        append: flags.contains(OFlag::O_APPEND),
        nonblocking: flags.contains(OFlag::O_NONBLOCK),
        close_on_exec: flags.contains(OFlag::O_CLOEXEC),
    })
}

#[expect(unsafe_code, reason = "no library wraps kcmp(2)")]
pub fn same_open_file(one: (Pid, RawFd), other: (Pid, RawFd)) -> io::Result<bool> {
    // `<linux/kcmp.h>`
    const KCMP_FILE: libc::c_int = 0;
    // SAFETY: the call takes five integers, and compares.
    let order =
        unsafe { libc::syscall(libc::SYS_kcmp, one.0.as_raw(), other.0.as_raw(), KCMP_FILE, one.1, other.1) };
    match Errno::result(order) {
        Ok(order) => Ok(order == 0),
        // A kernel without it, or a sandbox.
        Err(Errno::ENOSYS | Errno::EPERM) => Err(io::ErrorKind::Unsupported.into()),
        Err(error) => Err(error.into()),
    }
}

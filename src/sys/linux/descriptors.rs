//! Descriptor tables: `/proc/PID/fd`, `/proc/PID/fdinfo` (proc(5)), kcmp(2).

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::RawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::unistd::Pid;
use procfs::ProcError;
use procfs::process::{FDInfo, FDTarget, Process as ProcEntry};

use super::process::to_io;
use super::sockets::all_sockets;
use crate::sys::types::{AccessMode, Descriptor, Object, OpenFile, Socket, SocketName};
use crate::sys::unsupported::unsupported;

/// Lists the open descriptors of `pid` in ascending order. The list is empty for a process that has exited.
///
/// # Errors
/// `PermissionDenied` for another user's process.
pub fn descriptors(pid: Pid) -> io::Result<Vec<Descriptor>> {
    let is_socket = |entry: &FDInfo| matches!(entry.target, FDTarget::Socket(_));
    descriptors_with(pid, |entries| {
        Cow::Owned(if entries.iter().any(is_socket) { all_sockets() } else { HashMap::new() })
    })
}

/// Lists the open descriptors of `pid`. Looks sockets up in the table that `sockets` returns for them.
pub fn descriptors_with<'a>(
    pid: Pid,
    sockets: impl FnOnce(&[FDInfo]) -> Cow<'a, HashMap<u64, Socket>>,
) -> io::Result<Vec<Descriptor>> {
    let table = match ProcEntry::new(pid.as_raw()).and_then(|entry| entry.fd()) {
        Ok(table) => table,
        Err(ProcError::NotFound(_)) => return Ok(Vec::new()),
        Err(error) => return Err(to_io(error)),
    };
    let entries: Vec<_> = table.filter_map(Result::ok).collect();
    let sockets = sockets(&entries);
    let mut found: Vec<_> = entries
        .into_iter()
        .map(|entry| Descriptor { number: entry.fd, object: object(entry.target, &sockets) })
        .collect();
    found.sort_by_key(|descriptor| descriptor.number);
    Ok(found)
}

fn object(target: FDTarget, sockets: &HashMap<u64, Socket>) -> Object {
    match target {
        FDTarget::Pipe(id) => Object::Pipe { id },
        FDTarget::Socket(id) => {
            let unknown = Socket { id, name: SocketName::Other, listening: false };
            Object::Socket(sockets.get(&id).cloned().unwrap_or(unknown))
        }
        FDTarget::Path(path) => object_at(path),
        FDTarget::AnonInode(name) => Object::Other(format!("anon_inode:{name}")),
        FDTarget::Net(id) => Object::Other(format!("net:[{id}]")),
        FDTarget::MemFD(name) => Object::Other(format!("memfd:{name}")),
        FDTarget::Other(name, id) => Object::Other(format!("{name}:[{id}]")),
        FDTarget::Unknown(name, _) => Object::Other(name),
    }
}

fn object_at(path: PathBuf) -> Object {
    if path.starts_with("/dev/pts") || path == Path::new("/dev/tty") {
        return Object::Terminal(path);
    }
    match fs::metadata(&path) {
        Ok(meta) if meta.file_type().is_fifo() => Object::Pipe { id: meta.ino() },
        _ => Object::File(path),
    }
}

/// Counts the open descriptors of `pid`. This is faster than [`descriptors`].
///
/// # Errors
/// `PermissionDenied` for another user's process.
pub fn descriptor_count(pid: Pid) -> io::Result<usize> {
    match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(entries) => Ok(entries.count()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// Returns the access mode of descriptor `number` of `pid`. `None` if it is not open.
///
/// The permissions of the link `/proc/PID/fd/N` are that mode: proc(5).
#[must_use]
pub fn access_mode(pid: Pid, number: RawFd) -> Option<AccessMode> {
    const READ: u32 = 0o400;
    const WRITE: u32 = 0o200;
    let mode = fs::symlink_metadata(format!("/proc/{pid}/fd/{number}")).ok()?.permissions().mode();
    match (mode & READ != 0, mode & WRITE != 0) {
        (true, true) => Some(AccessMode::ReadWrite),
        (true, false) => Some(AccessMode::ReadOnly),
        (false, true) => Some(AccessMode::WriteOnly),
        (false, false) => None,
    }
}

/// Returns the open file description of descriptor `number` of `pid`.
///
/// # Errors
/// `NotFound` if it is not open; `PermissionDenied` for another user's process.
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
    // A descriptor opened with O_PATH can be neither read nor written: open(2).
    let has_access = !flags.contains(OFlag::O_PATH);
    Ok(OpenFile {
        readable: has_access && mode != OFlag::O_WRONLY,
        writable: has_access && mode != OFlag::O_RDONLY,
        offset,
        append: flags.contains(OFlag::O_APPEND),
        nonblocking: flags.contains(OFlag::O_NONBLOCK),
        close_on_exec: flags.contains(OFlag::O_CLOEXEC),
    })
}

/// Returns whether two descriptors, given by process and number, refer to the same open file description.
///
/// # Errors
/// `Unsupported` if the kernel lacks kcmp(2) or a sandbox forbids it.
#[expect(unsafe_code, reason = "no library wraps kcmp(2)")]
pub fn same_open_file(one: (Pid, RawFd), other: (Pid, RawFd)) -> io::Result<bool> {
    // From `<linux/kcmp.h>`.
    const KCMP_FILE: libc::c_int = 0;
    // SAFETY: kcmp(2) takes five integers and writes no memory.
    let order =
        unsafe { libc::syscall(libc::SYS_kcmp, one.0.as_raw(), other.0.as_raw(), KCMP_FILE, one.1, other.1) };
    match Errno::result(order) {
        Ok(order) => Ok(order == 0),
        Err(Errno::ENOSYS | Errno::EPERM) => unsupported("the kernel or a sandbox refuses kcmp(2)"),
        Err(error) => Err(error.into()),
    }
}

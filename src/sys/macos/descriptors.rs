//! Descriptor tables: `proc_pidfdinfo` and the structures of `<sys/proc_info.h>`.

use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::RawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use libproc::file_info::{ListFDs, PIDFDInfo, PIDFDInfoFlavor, ProcFDInfo, ProcFDType, pidfdinfo};
use libproc::net_info::{
    InSIAddr, InSockInfo, ProcFileInfo, SocketFDInfo, SocketInfo, SocketInfoKind, VInfoStat,
};
use libproc::proc_pid::listpidinfo;
use nix::libc::{self, c_char, c_int};
use nix::unistd::Pid;

use super::process::{bsd_info, bytes_before_nul, is_another_users};
use crate::sys::types::{AccessMode, Descriptor, Object, OpenFile, Socket, SocketName};
use crate::sys::unsupported::unsupported;

pub use crate::sys::unsupported::descriptors::same_open_file;

/// Lists the open descriptors of `pid` in ascending order. The list is empty for a process that has exited.
///
/// Verified: against `<sys/proc_info.h>` of XNU: the sizes of the structures (asserted when it is compiled), the
/// descriptor types and the order of fields. Look first at pipes and at Unix domain sockets with a path.
///
/// # Errors
/// `PermissionDenied` for another user's process.
pub fn descriptors(pid: Pid) -> io::Result<Vec<Descriptor>> {
    let describe = |entry: &ProcFDInfo| Descriptor { number: entry.proc_fd, object: object(pid, entry) };
    Ok(descriptor_table(pid)?.iter().map(describe).collect())
}

/// Counts the open descriptors of `pid`.
///
/// Verified: type-checked; it counts what `descriptors` lists.
///
/// # Errors
/// `PermissionDenied` for another user's process.
pub fn descriptor_count(pid: Pid) -> io::Result<usize> {
    descriptors(pid).map(|table| table.len())
}

/// Returns the descriptor table of `pid`. The kernel lists it in ascending order.
pub fn descriptor_table(pid: Pid) -> io::Result<Vec<ProcFDInfo>> {
    match bsd_info(pid) {
        // A zombie has no table, and the crate reports an empty table as an error.
        Some(info) => Ok(listpidinfo::<ListFDs>(pid.as_raw(), info.pbi_nfiles as usize).unwrap_or_default()),
        None if is_another_users(pid) => Err(io::ErrorKind::PermissionDenied.into()),
        None => Ok(Vec::new()),
    }
}

/// Returns the object that `entry` of the table of `pid` refers to.
pub fn object(pid: Pid, entry: &ProcFDInfo) -> Object {
    let shown = match ProcFDType::from(entry.proc_fdtype) {
        ProcFDType::VNode => descriptor_info(pid, entry).map(vnode_object),
        ProcFDType::Pipe => descriptor_info(pid, entry).map(pipe_object),
        ProcFDType::Socket => {
            descriptor_info(pid, entry).map(|info: SocketFDInfo| Object::Socket(socket(&info.psi)))
        }
        _ => None,
    };
    // A descriptor that was closed since it was listed is shown by its type.
    shown.unwrap_or_else(|| Object::Other(type_name(entry.proc_fdtype)))
}

/// Returns the kernel's description of a descriptor. `None` if the descriptor was closed, or if `T` describes another
/// type.
pub fn descriptor_info<T: PIDFDInfo>(pid: Pid, entry: &ProcFDInfo) -> Option<T> {
    pidfdinfo(pid.as_raw(), entry.proc_fd).ok()
}

/// Returns a short name for a descriptor type, after the constants `PROX_FDTYPE_…` of `<sys/proc_info.h>`.
fn type_name(number: u32) -> String {
    let name = match ProcFDType::from(number) {
        ProcFDType::VNode => "vnode",
        ProcFDType::Socket => "socket",
        ProcFDType::PSHM => "pshm",
        ProcFDType::PSEM => "psem",
        ProcFDType::KQueue => "kqueue",
        ProcFDType::Pipe => "pipe",
        ProcFDType::FSEvents => "fsevents",
        _ => return format!("descriptor of type {number}"),
    };
    name.to_owned()
}

/// The kernel's description of a file's descriptor: `struct vnode_fdinfowithpath`.
#[derive(Default)]
#[repr(C)]
struct VnodeInfo {
    file: ProcFileInfo,
    stat: VInfoStat,
    _type_and_padding: [c_int; 2],
    _filesystem: [i32; 2],
    /// The path of the file in `MAXPATHLEN` characters. It has two dimensions because `Default` is implemented for at
    /// most 32 elements.
    path: [[c_char; 32]; 32],
}

impl PIDFDInfo for VnodeInfo {
    fn flavor() -> PIDFDInfoFlavor {
        PIDFDInfoFlavor::VNodePathInfo
    }
}

fn vnode_object(info: VnodeInfo) -> Object {
    let VInfoStat { vst_mode: mode, vst_ino: inode, .. } = info.stat;
    match path(info.path.as_flattened()) {
        _ if mode & libc::S_IFMT == libc::S_IFIFO => Object::Pipe { id: inode },
        Some(path) if path.as_os_str().as_bytes().starts_with(b"/dev/tty") => Object::Terminal(path),
        Some(path) => Object::File(path),
        None => Object::Other(format!("vnode {inode}")),
    }
}

fn path(text: &[c_char]) -> Option<PathBuf> {
    let bytes = bytes_before_nul(text);
    (!bytes.is_empty()).then(|| OsString::from_vec(bytes).into())
}

/// The kernel's description of a pipe's descriptor: `struct pipe_fdinfo`.
#[derive(Default)]
#[repr(C)]
struct PipeInfo {
    file: ProcFileInfo,
    _stat: VInfoStat,
    handle: u64,
    /// The handle of the pipe's other end, 0 once that end is closed.
    peer: u64,
    _status_and_padding: [c_int; 2],
}

impl PIDFDInfo for PipeInfo {
    fn flavor() -> PIDFDInfoFlavor {
        PIDFDInfoFlavor::PipeInfo
    }
}

/// The kernel's own flags of an open file, in its field `fi_openflags`: `<sys/fcntl.h>`. They differ from `O_RDONLY`
/// and the like.
const FREAD: u32 = 1;
const FWRITE: u32 = 2;
const FNONBLOCK: u32 = 4;
const FAPPEND: u32 = 8;
/// The flag of a close-on-exec descriptor: `PROC_FP_CLEXEC` of `<sys/proc_info.h>`.
const CLOSE_ON_EXEC: u32 = 2;

/// Returns the pipe that a descriptor refers to. macOS gives pipes no inode number, but each end has a handle, the same
/// in every process. The read end's handle identifies the pipe. If the read end is closed, the write end's own handle
/// does.
fn pipe_object(info: PipeInfo) -> Object {
    let is_read_end = info.file.fi_openflags & FREAD != 0;
    Object::Pipe { id: if is_read_end || info.peer == 0 { info.handle } else { info.peer } }
}

// The kernel refuses a structure smaller than its own: `ENOMEM`.
const _: () = {
    assert!(size_of::<VnodeInfo>() == 1200);
    assert!(size_of::<PipeInfo>() == 184);
    assert!(size_of::<SocketFDInfo>() == 792);
};

fn file_info(pid: Pid, entry: &ProcFDInfo) -> Option<ProcFileInfo> {
    match ProcFDType::from(entry.proc_fdtype) {
        ProcFDType::VNode => descriptor_info(pid, entry).map(|info: VnodeInfo| info.file),
        ProcFDType::Pipe => descriptor_info(pid, entry).map(|info: PipeInfo| info.file),
        ProcFDType::Socket => descriptor_info(pid, entry).map(|info: SocketFDInfo| info.pfi),
        _ => None,
    }
}

/// Returns the access mode of descriptor `number` of `pid`. `None` if it is not open or of a type without one.
///
/// Verified: against XNU: `fi_openflags` of `struct proc_fileinfo`, with the flags of `<sys/fcntl.h>`.
#[must_use]
pub fn access_mode(pid: Pid, number: RawFd) -> Option<AccessMode> {
    let entry = descriptor_table(pid).ok()?.into_iter().find(|entry| entry.proc_fd == number)?;
    let flags = file_info(pid, &entry)?.fi_openflags;
    match (flags & FREAD != 0, flags & FWRITE != 0) {
        (true, true) => Some(AccessMode::ReadWrite),
        (true, false) => Some(AccessMode::ReadOnly),
        (false, true) => Some(AccessMode::WriteOnly),
        (false, false) => None,
    }
}

/// Returns the open file description of descriptor `number` of `pid`.
///
/// Verified: against `struct proc_fileinfo` and `PROC_FP_CLEXEC` of `<sys/proc_info.h>`. Look first at the offset
/// of a file.
///
/// # Errors
/// `NotFound` if it is not open; `PermissionDenied` for another user's process; `Unsupported` for other types than
/// files, pipes and sockets.
pub fn open_file(pid: Pid, number: RawFd) -> io::Result<OpenFile> {
    let table = descriptor_table(pid)?;
    let entry = table.iter().find(|entry| entry.proc_fd == number).ok_or(io::ErrorKind::NotFound)?;
    let Some(info) = file_info(pid, entry) else {
        return unsupported("libproc describes only files, pipes and sockets");
    };
    let has = |flag: u32| info.fi_openflags & flag != 0;
    Ok(OpenFile {
        readable: has(FREAD),
        writable: has(FWRITE),
        offset: u64::try_from(info.fi_offset).unwrap_or_default(),
        append: has(FAPPEND),
        nonblocking: has(FNONBLOCK),
        close_on_exec: info.fi_status & CLOSE_ON_EXEC != 0,
    })
}

/// Converts the kernel's description of a socket to a [`Socket`].
pub fn socket(info: &SocketInfo) -> Socket {
    // `SOI_S_ISCONNECTED` of `<sys/proc_info.h>`.
    const IS_CONNECTED: i16 = 2;
    let name = socket_name(info);
    let listening = match name {
        SocketName::Udp(..) => info.soi_state & IS_CONNECTED == 0,
        SocketName::Unix(ref path) if info.soi_type == libc::SOCK_DGRAM => path.is_some(),
        _ => c_int::from(info.soi_options) & libc::SO_ACCEPTCONN != 0,
    };
    Socket { id: info.soi_so, name, listening }
}

fn socket_name(info: &SocketInfo) -> SocketName {
    match SocketInfoKind::from(info.soi_kind) {
        SocketInfoKind::Tcp => {
            let (local, remote) = addresses(info);
            SocketName::Tcp(local, remote)
        }
        SocketInfoKind::In if info.soi_protocol == libc::IPPROTO_UDP => {
            let (local, remote) = addresses(info);
            SocketName::Udp(local, remote)
        }
        SocketInfoKind::Un => SocketName::Unix(bound_path(info)),
        _ => SocketName::Other,
    }
}

/// Returns the local and remote address of an internet socket. `struct tcp_sockinfo` begins with a `struct
/// in_sockinfo`.
#[expect(unsafe_code, reason = "the structures of all address families share a union")]
fn addresses(info: &SocketInfo) -> (SocketAddr, SocketAddr) {
    // SAFETY: the kernel has written the whole union, with zeros where a member has no meaning. The member consists of
    // integers, for which all bytes are valid.
    let ends = unsafe { &info.soi_proto.pri_in };
    (address(ends, &ends.insi_laddr, ends.insi_lport), address(ends, &ends.insi_faddr, ends.insi_fport))
}

/// Converts the kernel's address of one end of an internet socket. A dual-stack socket has the flags of both families
/// while it is bound to `[::]`. With an IPv4 peer it has only IPv4's flag, and the address is in the last 4 of the 16
/// bytes.
#[expect(unsafe_code, reason = "both address families share a union")]
fn address(ends: &InSockInfo, ip: &InSIAddr, port: c_int) -> SocketAddr {
    // `INI_IPV6` of `<sys/proc_info.h>`.
    const IPV6: u8 = 2;
    // SAFETY: both members have 16 bytes, which the kernel has written. All bytes are valid for an address.
    let bytes = unsafe { ip.ina_6 }.s6_addr;
    let [.., a, b, c, d] = bytes;
    let ip = if ends.insi_vflag & IPV6 == 0 { IpAddr::from([a, b, c, d]) } else { IpAddr::from(bytes) };
    // The int contains the port's two bytes in network byte order.
    SocketAddr::new(ip.to_canonical(), u16::from_be(port as u16))
}

/// Returns the path that a Unix domain socket is bound to. The path follows `sun_len` and `sun_family`. A path longer
/// than `sun_path` has no NUL at its end.
#[expect(unsafe_code, reason = "the structures of all address families share a union")]
fn bound_path(info: &SocketInfo) -> Option<PathBuf> {
    // SAFETY: the kernel has written the whole union, with zeros after the address. All bytes are valid for chars.
    let [_length, _family, text @ ..] = unsafe { &info.soi_proto.pri_un.unsi_addr.ua_dummy };
    path(text)
}

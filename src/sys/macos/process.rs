//! macOS: libproc shows, kqueue tells. See `<libproc.h>`, `<sys/proc_info.h>`, sysctl(3).
//!
//! Both show a user only that user's own processes. Where the kernel surprises, the function to read in
//! XNU's published sources is named.

use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::process::Command;

use libproc::bsd_info::BSDInfo;
use libproc::file_info::{ListFDs, PIDFDInfo, PIDFDInfoFlavor, ProcFDInfo, ProcFDType, pidfdinfo};
use libproc::net_info::{
    InSIAddr, InSockInfo, ProcFileInfo, SocketFDInfo, SocketInfo, SocketInfoKind, VInfoStat,
};
use libproc::proc_pid::{listpidinfo, pidinfo, pidpath};
use libproc::processes::{ProcFilter, pids_by_type};
use nix::errno::Errno;
use nix::libc::{self, c_char, c_int};
use nix::sys::signal::kill;
use nix::unistd::Pid;

pub use crate::sys::bsd::kqueue::wait_for_exit;

use super::procargs;
use crate::sys::types::{Descriptor, Object, Process, Socket, SocketName};

/// The signals by which a user asks what is going on; a terminal sends SIGINFO for Ctrl-T.
pub const STATUS_SIGNALS: &[i32] = &[libc::SIGUSR1, libc::SIGINFO];

pub fn processes() -> io::Result<Vec<Process>> {
    let pids = pids_by_type(ProcFilter::All)?.into_iter().map(|pid| Pid::from_raw(pid.cast_signed()));
    Ok(pids.filter_map(bsd_info).map(process).collect())
}

/// Not the crate's own filter by parent: that one takes an empty answer for a failure whenever `errno`
/// still holds an older one.
pub fn children(parent: Pid) -> io::Result<Vec<Process>> {
    let mut found = processes()?;
    found.retain(|process| process.parent == parent);
    Ok(found)
}

/// There are no sub-reapers, so launchd takes in the orphans.
pub fn may_be_descendant(process: &Process) -> bool {
    const LAUNCHD: Pid = Pid::from_raw(1);
    process.parent == Pid::this() || process.parent == LAUNCHD
}

/// Nothing for a process that has been reaped or that belongs to another user.
fn bsd_info(pid: Pid) -> Option<BSDInfo> {
    // Any argument but 0 asks for zombies too (`proc_pidinfo`).
    const ZOMBIES_TOO: u64 = 1;
    pidinfo(pid.as_raw(), ZOMBIES_TOO).ok()
}

fn process(info: BSDInfo) -> Process {
    Process {
        pid: Pid::from_raw(info.pbi_pid.cast_signed()),
        parent: Pid::from_raw(info.pbi_ppid.cast_signed()),
        group: Pid::from_raw(info.pbi_pgid.cast_signed()),
        name: String::from_utf8_lossy(&before_nul(&info.pbi_comm)).into_owned(),
        zombie: info.pbi_status == libc::SZOMB,
        stopped: info.pbi_status == libc::SSTOP,
    }
}

/// The text in an array of C's `char`.
fn before_nul(text: &[c_char]) -> Vec<u8> {
    text.iter().map(|char| char.cast_unsigned()).take_while(|&byte| byte != 0).collect()
}

/// Whether `pid` exists and is not ours to look into. Neither the crate, whose errors are sentences, nor
/// `KERN_PROCARGS2` tells that apart from a process that has ended; kill(2) without a signal does.
fn is_another_users(pid: Pid) -> bool {
    bsd_info(pid).is_none() && kill(pid, None) != Err(Errno::ESRCH)
}

pub fn descriptors(pid: Pid) -> io::Result<Vec<Descriptor>> {
    let described = |entry: &ProcFDInfo| Descriptor { number: entry.proc_fd, object: object(pid, entry) };
    Ok(table(pid)?.iter().map(described).collect())
}

/// The kernel walks the table upwards, so the numbers ascend.
pub fn table(pid: Pid) -> io::Result<Vec<ProcFDInfo>> {
    match bsd_info(pid) {
        // A zombie has no table any more, and the crate calls an empty one an error.
        Some(info) => Ok(listpidinfo::<ListFDs>(pid.as_raw(), info.pbi_nfiles as usize).unwrap_or_default()),
        None if is_another_users(pid) => Err(io::ErrorKind::PermissionDenied.into()),
        None => Ok(Vec::new()),
    }
}

pub fn object(pid: Pid, entry: &ProcFDInfo) -> Object {
    let shown = match ProcFDType::from(entry.proc_fdtype) {
        ProcFDType::VNode => details(pid, entry).map(vnode),
        ProcFDType::Pipe => details(pid, entry).map(pipe),
        ProcFDType::Socket => details(pid, entry).map(|info: SocketFDInfo| Object::Socket(socket(&info.psi))),
        _ => None,
    };
    // A descriptor closed since it was listed keeps the kind it was listed with.
    shown.unwrap_or_else(|| Object::Other(kind(entry.proc_fdtype)))
}

/// Nothing where the descriptor has been closed or is of another kind than `T` describes.
pub fn details<T: PIDFDInfo>(pid: Pid, entry: &ProcFDInfo) -> Option<T> {
    pidfdinfo(pid.as_raw(), entry.proc_fd).ok()
}

/// What the kernel shows of any open file.
pub fn file_info(pid: Pid, number: i32) -> io::Result<ProcFileInfo> {
    let table = table(pid)?;
    let entry = table.iter().find(|entry| entry.proc_fd == number).ok_or(io::ErrorKind::NotFound)?;
    let info = match ProcFDType::from(entry.proc_fdtype) {
        ProcFDType::VNode => details(pid, entry).map(|info: VnodeInfo| info.file),
        ProcFDType::Pipe => details(pid, entry).map(|info: PipeInfo| info.file),
        ProcFDType::Socket => details(pid, entry).map(|info: SocketFDInfo| info.pfi),
        _ => None,
    };
    info.ok_or_else(|| io::ErrorKind::Unsupported.into())
}

/// After the `PROX_FDTYPE_…` of `<sys/proc_info.h>`.
fn kind(number: u32) -> String {
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

/// `struct vnode_fdinfowithpath` of `<sys/proc_info.h>`.
#[derive(Default)]
#[repr(C)]
struct VnodeInfo {
    file: ProcFileInfo,
    stat: VInfoStat,
    _type_and_padding: [c_int; 2],
    _filesystem: [i32; 2],
    /// `MAXPATHLEN` characters, in two dimensions because `Default` stops at arrays of 32.
    path: [[c_char; 32]; 32],
}

impl PIDFDInfo for VnodeInfo {
    fn flavor() -> PIDFDInfoFlavor {
        PIDFDInfoFlavor::VNodePathInfo
    }
}

fn vnode(info: VnodeInfo) -> Object {
    let VInfoStat { vst_mode: mode, vst_ino: inode, .. } = info.stat;
    match path(info.path.as_flattened()) {
        _ if mode & libc::S_IFMT == libc::S_IFIFO => Object::Pipe { id: inode },
        Some(path) if path.as_os_str().as_bytes().starts_with(b"/dev/tty") => Object::Terminal(path),
        Some(path) => Object::File(path),
        None => Object::Other(format!("vnode {inode}")),
    }
}

fn path(text: &[c_char]) -> Option<PathBuf> {
    let bytes = before_nul(text);
    (!bytes.is_empty()).then(|| OsString::from_vec(bytes).into())
}

/// `struct pipe_fdinfo` of `<sys/proc_info.h>`.
#[derive(Default)]
#[repr(C)]
struct PipeInfo {
    file: ProcFileInfo,
    _stat: VInfoStat,
    handle: u64,
    /// The other end's handle, 0 once that is closed.
    peer: u64,
    _status_and_padding: [c_int; 2],
}

impl PIDFDInfo for PipeInfo {
    fn flavor() -> PIDFDInfoFlavor {
        PIDFDInfoFlavor::PipeInfo
    }
}

/// How the descriptor was opened, of the kinds that are asked for it here.
pub fn openness(pid: Pid, entry: &ProcFDInfo) -> Option<u32> {
    match ProcFDType::from(entry.proc_fdtype) {
        ProcFDType::Pipe => details(pid, entry).map(|info: PipeInfo| info.file.fi_openflags),
        ProcFDType::VNode => details(pid, entry).map(|info: VnodeInfo| info.file.fi_openflags),
        ProcFDType::Socket => details(pid, entry).map(|info: SocketFDInfo| info.pfi.fi_openflags),
        _ => None,
    }
}

/// Pipes have no inode number here but a handle at each end, the same one in every process. The read end's
/// stands for both; only a write end that nobody reads any more has to go by its own.
fn pipe(info: PipeInfo) -> Object {
    // `<sys/fcntl.h>`: what `fi_openflags` holds is the kernel's FREAD, not O_RDONLY.
    const FREAD: u32 = 1;
    let is_read_end = info.file.fi_openflags & FREAD != 0;
    Object::Pipe { id: if is_read_end || info.peer == 0 { info.handle } else { info.peer } }
}

/// The kernel refuses (`ENOMEM`) a structure smaller than its own.
const _: () = {
    assert!(size_of::<VnodeInfo>() == 1200);
    assert!(size_of::<PipeInfo>() == 184);
    assert!(size_of::<SocketFDInfo>() == 792);
};

pub fn socket(info: &SocketInfo) -> Socket {
    // `SOI_S_ISCONNECTED` of `<sys/proc_info.h>`.
    const IS_CONNECTED: i16 = 2;
    let name = name(info);
    let listening = match name {
        SocketName::Udp(..) => info.soi_state & IS_CONNECTED == 0,
        _ => c_int::from(info.soi_options) & libc::SO_ACCEPTCONN != 0,
    };
    Socket { id: info.soi_so, name, listening }
}

fn name(info: &SocketInfo) -> SocketName {
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

/// The two ends of an internet socket. `struct tcp_sockinfo` begins with a `struct in_sockinfo`.
#[expect(unsafe_code, reason = "C puts the parts of all families into one union")]
fn addresses(info: &SocketInfo) -> (SocketAddr, SocketAddr) {
    // SAFETY: the kernel has filled the whole union, with zeros where a member has no meaning, and any
    // bytes make the integers that each member is made of.
    let ends = unsafe { &info.soi_proto.pri_in };
    (address(ends, &ends.insi_laddr, ends.insi_lport), address(ends, &ends.insi_faddr, ends.insi_fport))
}

/// A dual-stack socket has both flags while it is bound to `[::]`, and only the one for IPv4 once it has an
/// IPv4 peer: that address stands in the last 4 of the 16 bytes.
#[expect(unsafe_code, reason = "C puts both address families into one union")]
fn address(ends: &InSockInfo, ip: &InSIAddr, port: c_int) -> SocketAddr {
    // `INI_IPV6` of `<sys/proc_info.h>`.
    const IPV6: u8 = 2;
    // SAFETY: both members have 16 bytes and the kernel has filled them; any bytes make an address.
    let bytes = unsafe { ip.ina_6 }.s6_addr;
    let [.., a, b, c, d] = bytes;
    let ip = if ends.insi_vflag & IPV6 == 0 { IpAddr::from([a, b, c, d]) } else { IpAddr::from(bytes) };
    // An int holds the port's two bytes as they are on the wire.
    SocketAddr::new(ip.to_canonical(), u16::from_be(port as u16))
}

/// What follows `sun_len` and `sun_family`. A path may be longer than `sun_path` and then ends without NUL.
#[expect(unsafe_code, reason = "C puts the parts of all families into one union")]
fn bound_path(info: &SocketInfo) -> Option<PathBuf> {
    // SAFETY: the kernel has filled the whole union, with zeros after the address; any bytes make chars.
    let [_length, _family, text @ ..] = unsafe { &info.soi_proto.pri_un.unsi_addr.ua_dummy };
    path(text)
}

/// There are no names that vanish with their process.
pub fn claim_name(_name: &str) -> io::Result<Option<OwnedFd>> {
    Ok(None)
}

pub fn descriptor_count(pid: Pid) -> io::Result<usize> {
    descriptors(pid).map(|table| table.len())
}

/// Unsupported for the programs that System Integrity Protection restricts, such as `/bin/cat`.
pub fn has_env_var(pid: Pid, name: &str, value: &str) -> io::Result<bool> {
    let block = match procargs::strings_at_start(pid) {
        Err(Errno::EINVAL) if is_another_users(pid) => return Err(io::ErrorKind::PermissionDenied.into()),
        Err(Errno::EINVAL) => return Err(io::ErrorKind::NotFound.into()),
        block => block?,
    };
    let wanted = format!("{name}={value}");
    let mut environment = procargs::after_arguments(&block).peekable();
    // The kernel's own strings follow the environment, so nothing at all means that it was cut off.
    environment.peek().ok_or(io::ErrorKind::Unsupported)?;
    Ok(environment.any(|entry| entry == wanted.as_bytes()))
}

pub fn executable(pid: Pid) -> Option<PathBuf> {
    pidpath(pid.as_raw()).ok().map(PathBuf::from)
}

/// libproc shows no wait channels.
pub fn wait_channel(_pid: Pid) -> Option<String> {
    None
}

/// There are no sub-reapers.
pub fn set_subreaper(_on: bool) -> bool {
    false
}

/// The child inherits every descriptor that is not close-on-exec.
pub fn inherit_no_descriptors(_command: &mut Command) {}

/// There is no `PR_SET_PDEATHSIG`.
pub fn kill_with_parent(_command: &mut Command) {}

/// `SO_NWRITE`, see getsockopt(2): what is in the send buffer, where TCP keeps bytes until they are
/// acknowledged. A Unix socket writes into its peer's buffer and never has any.
#[expect(unsafe_code, reason = "getsockopt(2) is untyped")]
pub fn unacknowledged_bytes(socket: BorrowedFd<'_>) -> io::Result<usize> {
    let mut bytes: c_int = 0;
    let mut size = size_of_val(&bytes) as libc::socklen_t;
    // SAFETY: SO_NWRITE writes one int; `bytes` is one, and `size` says so.
    let answer = unsafe {
        let room = (&raw mut bytes).cast();
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_NWRITE, room, &raw mut size)
    };
    Errno::result(answer)?;
    usize::try_from(bytes).map_err(io::Error::other)
}

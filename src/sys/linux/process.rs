//! Linux: `/proc` shows, pidfds tell. See proc(5), `pidfd_open(2)`, prctl(2).

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixDatagram};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};
use procfs::net::UdpState;
use procfs::process::{FDInfo, FDTarget, Process as ProcEntry, Stat};
use procfs::{FromRead, ProcError, ProcResult};

use super::process_stats::place;
use super::unix_table;
use crate::sys::types::{Descriptor, Object, Process, Socket, SocketName};
use crate::sys::unix::exit::poll_for_exit;

/// The signals by which a user asks what is going on.
pub const STATUS_SIGNALS: &[i32] = &[libc::SIGUSR1];

pub fn processes() -> io::Result<Vec<Process>> {
    let pids =
        fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    Ok(pids.filter_map(|pid| read_stat(pid).ok()).map(process).collect())
}

/// `/proc/PID/task/*/children` where the kernel has it (proc(5), `CONFIG_PROC_CHILDREN`), else every process.
pub fn children(parent: Pid) -> io::Result<Vec<Process>> {
    static LISTED: LazyLock<bool> = LazyLock::new(|| Path::new("/proc/thread-self/children").exists());
    if !*LISTED {
        let mut all = processes()?;
        all.retain(|process| process.parent == parent);
        return Ok(all);
    }
    let Ok(tasks) = fs::read_dir(format!("/proc/{parent}/task")) else { return Ok(Vec::new()) };
    let lists = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok());
    let pids = lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>());
    Ok(pids.filter_map(|pid| read_stat(pid).ok()).map(process).collect())
}

pub fn may_be_descendant(process: &Process) -> bool {
    process.parent == Pid::this() || !prctl::get_child_subreaper().unwrap_or(false)
}

fn read_stat(pid: i32) -> ProcResult<Stat> {
    Stat::from_read(File::open(format!("/proc/{pid}/stat"))?)
}

fn process(stat: Stat) -> Process {
    Process {
        pid: Pid::from_raw(stat.pid),
        parent: Pid::from_raw(stat.ppid),
        group: Pid::from_raw(stat.pgrp),
        zombie: matches!(stat.state, 'Z' | 'X'),
        stopped: matches!(stat.state, 'T' | 't'),
        name: stat.comm,
    }
}

pub fn descriptors(pid: Pid) -> io::Result<Vec<Descriptor>> {
    let has_sockets =
        |entries: &[FDInfo]| entries.iter().any(|entry| matches!(entry.target, FDTarget::Socket(_)));
    described(
        pid,
        |entries| if has_sockets(entries) { Cow::Owned(sockets()) } else { Cow::Owned(HashMap::new()) },
    )
}

/// The descriptor table of `pid`, with the sockets that `known` has for it.
pub fn described<'a>(
    pid: Pid,
    known: impl FnOnce(&[FDInfo]) -> Cow<'a, HashMap<u64, Socket>>,
) -> io::Result<Vec<Descriptor>> {
    let table = match ProcEntry::new(pid.as_raw()).and_then(|entry| entry.fd()) {
        Ok(table) => table,
        Err(ProcError::NotFound(_)) => return Ok(Vec::new()),
        Err(error) => return Err(to_io(error)),
    };
    let entries: Vec<_> = table.filter_map(Result::ok).collect();
    let sockets = known(&entries);
    let mut found: Vec<_> = entries
        .into_iter()
        .map(|entry| Descriptor { number: entry.fd, object: object(entry.target, &sockets) })
        .collect();
    found.sort_by_key(|descriptor| descriptor.number);
    Ok(found)
}

pub fn descriptor_count(pid: Pid) -> io::Result<usize> {
    match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(entries) => Ok(entries.count()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

fn object(target: FDTarget, sockets: &HashMap<u64, Socket>) -> Object {
    match target {
        FDTarget::Pipe(id) => Object::Pipe { id },
        FDTarget::Socket(id) => {
            let unknown = Socket { id, name: SocketName::Other, listening: false };
            Object::Socket(sockets.get(&id).cloned().unwrap_or(unknown))
        }
        FDTarget::Path(path) => named_file(path),
        FDTarget::AnonInode(name) => Object::Other(format!("anon_inode:{name}")),
        FDTarget::Net(id) => Object::Other(format!("net:[{id}]")),
        FDTarget::MemFD(name) => Object::Other(format!("memfd:{name}")),
        FDTarget::Other(name, id) => Object::Other(format!("{name}:[{id}]")),
        FDTarget::Unknown(name, _) => Object::Other(name),
    }
}

fn named_file(path: PathBuf) -> Object {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    if path.starts_with("/dev/pts") || path == Path::new("/dev/tty") {
        return Object::Terminal(path);
    }
    match fs::metadata(&path) {
        Ok(meta) if meta.file_type().is_fifo() => Object::Pipe { id: meta.ino() },
        _ => Object::File(path),
    }
}

/// Every socket of this network namespace by its inode number.
pub fn sockets() -> HashMap<u64, Socket> {
    let tcp =
        [procfs::net::tcp(), procfs::net::tcp6()].into_iter().filter_map(Result::ok).flatten().map(|entry| {
            Socket {
                id: entry.inode,
                listening: entry.state == procfs::net::TcpState::Listen,
                name: SocketName::Tcp(unmapped(entry.local_address), unmapped(entry.remote_address)),
            }
        });
    let udp =
        [procfs::net::udp(), procfs::net::udp6()].into_iter().filter_map(Result::ok).flatten().map(|entry| {
            Socket {
                id: entry.inode,
                listening: entry.state == UdpState::Close,
                name: SocketName::Udp(unmapped(entry.local_address), unmapped(entry.remote_address)),
            }
        });
    let unix = unix_table::read().unwrap_or_default().into_iter().map(|entry| Socket {
        id: entry.inode,
        listening: entry.accepts || entry.is_datagram && entry.path.is_some(),
        name: SocketName::Unix(entry.path),
    });
    tcp.chain(udp).chain(unix).map(|socket| (socket.id, socket)).collect()
}

/// A dual-stack socket shows an IPv4 peer as `::ffff:127.0.0.1`.
pub fn unmapped(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

pub fn has_env_var(pid: Pid, name: &str, value: &str) -> io::Result<bool> {
    let block = environment(pid)?;
    let wanted = format!("{name}={value}");
    Ok(block.split(|&byte| byte == 0).any(|entry| entry == wanted.as_bytes()))
}

/// How long a process may take from its new memory to its new environment.
const EXEC: Duration = Duration::from_secs(1);

/// Room for an environment, to have it by one call: between two the memory that it lies in can go.
const ENVIRONMENT: usize = 64 * 1024;

/// The environment of `pid`, as it was when its program began; nothing of one that has ended.
///
/// In the midst of execve(2), when the old memory has gone and the new stack is not laid out yet, none can be read,
/// as of a process that was given none. Only of the latter does proc_pid_stat(5) tell where its code begins, which
/// the kernel notes last.
fn environment(pid: Pid) -> io::Result<Vec<u8>> {
    let began = Instant::now();
    let mut before = None;
    loop {
        let mut block = Vec::with_capacity(ENVIRONMENT);
        File::open(format!("/proc/{pid}/environ"))?.read_to_end(&mut block)?;
        if !block.is_empty() || began.elapsed() > EXEC {
            return Ok(block);
        }
        let stat = read_stat(pid.as_raw()).map_err(to_io)?;
        let place = (stat.startcode != 0).then_some((stat.startcode, stat.env_end));
        if matches!(stat.state, 'Z' | 'X') || place.is_some() && place == before {
            return Ok(block);
        }
        before = place;
        thread::yield_now();
    }
}

pub fn wait_for_exit(pid: Pid, limit: Duration) -> io::Result<bool> {
    let Some(number) = rustix::process::Pid::from_raw(pid.as_raw()) else { return Ok(true) };
    let handle = match rustix::process::pidfd_open(number, rustix::process::PidfdFlags::empty()) {
        Err(rustix::io::Errno::SRCH) => return Ok(true),
        // An old kernel, or a sandbox that does not know the call.
        Err(_) => return poll_for_exit(pid, limit),
        Ok(handle) => handle,
    };
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let limit = PollTimeout::try_from(left.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(handle.as_fd(), PollFlags::POLLIN)], limit) {
            Err(nix::Error::EINTR) => {}
            ready => return Ok(ready? > 0),
        }
    }
}

/// An abstract name of unix(7) goes with the process that holds it.
pub fn claim_name(name: &str) -> io::Result<Option<OwnedFd>> {
    let address = UnixAddress::from_abstract_name(name)?;
    Ok(Some(UnixDatagram::bind_addr(&address)?.into()))
}

pub fn executable(pid: Pid) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

pub fn wait_channel(pid: Pid) -> Option<String> {
    place(&format!("/proc/{pid}/wchan"))
}

pub fn set_subreaper(on: bool) -> bool {
    let former = prctl::get_child_subreaper().unwrap_or(false);
    if former != on {
        let _ = prctl::set_child_subreaper(on);
    }
    former
}

/// close_range(2) with `CLOSE_RANGE_CLOEXEC`. Kernels before 5.11 refuse that flag; then the child inherits as usual.
#[expect(unsafe_code, reason = "only the child's own table may change, between fork and exec")]
pub fn inherit_no_descriptors(command: &mut Command) {
    let seal = || {
        let (first, last) = (3, libc::c_uint::MAX);
        // SAFETY: the call closes nothing. It marks descriptors, and no Rust value depends on the mark.
        unsafe { libc::syscall(libc::SYS_close_range, first, last, libc::CLOSE_RANGE_CLOEXEC) };
        Ok(())
    };
    // SAFETY: the closure makes one system call and allocates nothing, so it is async-signal-safe.
    unsafe { command.pre_exec(seal) };
}

#[expect(unsafe_code, reason = "only the child itself can ask for the signal, between fork and exec")]
pub fn kill_with_parent(command: &mut Command) {
    let harness = Pid::this();
    let ask = move || {
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        // The parent may have gone before the request was made: then nobody would ever send it.
        if getppid() == harness { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    };
    // SAFETY: the closure makes two system calls and allocates nothing, so it is async-signal-safe.
    unsafe { command.pre_exec(ask) };
}

/// `SIOCOUTQ`, see tcp(7).
pub fn unacknowledged_bytes(socket: BorrowedFd<'_>) -> io::Result<usize> {
    ioctl::outq(socket)
}

mod ioctl {
    use std::io;
    use std::os::fd::{AsRawFd, BorrowedFd};

    nix::ioctl_read_bad!(tiocoutq, nix::libc::TIOCOUTQ, nix::libc::c_int);

    #[expect(unsafe_code, reason = "ioctl(2) is untyped")]
    pub fn outq(socket: BorrowedFd<'_>) -> io::Result<usize> {
        let mut bytes = 0;
        // SAFETY: TIOCOUTQ writes one int, and `bytes` is one.
        unsafe { tiocoutq(socket.as_raw_fd(), &raw mut bytes) }?;
        usize::try_from(bytes).map_err(io::Error::other)
    }
}

pub fn to_io(error: ProcError) -> io::Error {
    match error {
        ProcError::PermissionDenied(_) => io::ErrorKind::PermissionDenied.into(),
        ProcError::NotFound(_) => io::ErrorKind::NotFound.into(),
        ProcError::Io(error, _) => error,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Executes itself anew, without end.
    const AGAIN: &str = r#"exec sh -c "$0" "$0""#;

    #[test]
    fn a_mark_is_seen_in_the_midst_of_exec() {
        let mut child = Command::new("sh").args(["-c", AGAIN, AGAIN]).env("MARKED", "yes").spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed());
        let unseen = (0..2000).filter(|_| !has_env_var(pid, "MARKED", "yes").unwrap()).count();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(unseen, 0, "of 2000 looks");
    }

    #[test]
    fn a_process_without_environment_has_no_mark() {
        let mut child = Command::new("sleep").arg("60").env_clear().spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed());
        assert!(!has_env_var(pid, "PATH", "").unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

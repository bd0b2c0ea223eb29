//! Namespaces of a server: network_namespaces(7), pid_namespaces(7). They need CAP_SYS_ADMIN.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::thread;

use nix::errno::Errno;
use nix::libc;
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::Pid;
use procfs::process::Process as ProcEntry;

use super::process::to_io;

/// Checks that this process may make network and PID namespaces.
///
/// # Errors
/// Those of unshare(2); `EPERM` without CAP_SYS_ADMIN.
pub fn check_namespace_permission() -> io::Result<()> {
    // A namespace belongs to a thread, and goes with it.
    let make = || unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID);
    let made = thread::scope(|scope| {
        thread::Builder::new().spawn_scoped(scope, make).map(thread::ScopedJoinHandle::join)
    });
    made?.map_err(|_| io::Error::other("the thread panicked"))?.map_err(Into::into)
}

/// Makes the child of `command` start in a network of its own, which has only a loopback interface.
///
/// # Errors
/// None on Linux. Launching the child fails without CAP_SYS_ADMIN.
#[expect(unsafe_code, reason = "the child itself must leave the network, between fork and exec")]
pub fn give_own_network(command: &mut Command) -> io::Result<()> {
    let leave = || {
        unshare(CloneFlags::CLONE_NEWNET)?;
        enable_loopback_interface()
    };
    // SAFETY: the closure makes system calls and allocates nothing, so it is async-signal-safe.
    unsafe { command.pre_exec(leave) };
    Ok(())
}

/// Sets the flag `IFF_UP` of the network interface `lo`, so that it can be used: netdevice(7). Allocates no memory.
#[expect(unsafe_code, reason = "netdevice(7) has no safe wrappers")]
fn enable_loopback_interface() -> io::Result<()> {
    // SAFETY: an ifreq of zeros is valid, and has room for the name with its NUL. The kernel reads the ifreq and keeps
    // no pointer to it. The descriptor is closed once.
    unsafe {
        let mut request: libc::ifreq = MaybeUninit::zeroed().assume_init();
        for (place, byte) in request.ifr_name.iter_mut().zip(*b"lo") {
            *place = byte as libc::c_char;
        }
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
        let socket = Errno::result(libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0))?;
        let set = Errno::result(libc::ioctl(socket, libc::SIOCSIFFLAGS, &request));
        libc::close(socket);
        set?;
    }
    Ok(())
}

/// Calls `action` in the network of process `pid`. Sockets that it makes stay in that network.
///
/// # Errors
/// Those of open(2) and setns(2).
pub fn in_network_of<T: Send>(pid: Pid, action: impl FnOnce() -> T + Send) -> io::Result<T> {
    let enter_and_act = || -> io::Result<T> {
        setns(File::open(format!("/proc/{pid}/ns/net"))?, CloneFlags::CLONE_NEWNET)?;
        Ok(action())
    };
    thread::scope(|scope| {
        let acting = thread::Builder::new().spawn_scoped(scope, enter_and_act)?;
        acting.join().map_err(|_| io::Error::other("the thread panicked"))?
    })
}

/// Returns the local addresses of the UDP sockets in the network of process `pid`.
///
/// # Errors
/// Those of reading `/proc/PID/net/udp`.
pub fn udp_addresses_of(pid: Pid) -> io::Result<Vec<SocketAddr>> {
    let entries = ProcEntry::new(pid.as_raw()).and_then(|process| process.udp()).map_err(to_io)?;
    Ok(entries.into_iter().map(|entry| entry.local_address).collect())
}

/// Launches `command` as the first process of a PID namespace of its own.
///
/// # Errors
/// Those of unshare(2), setns(2) and of the launch.
pub fn spawn_as_first_process(command: &mut Command) -> io::Result<Child> {
    // Later children of this thread belong to the namespace of this process again.
    let own = File::open("/proc/thread-self/ns/pid_for_children")?;
    unshare(CloneFlags::CLONE_NEWPID)?;
    let child = command.spawn();
    setns(own, CloneFlags::CLONE_NEWPID)?;
    child
}

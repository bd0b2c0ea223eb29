//! Namespaces of a server: network_namespaces(7), pid_namespaces(7), ipc_namespaces(7). They need CAP_SYS_ADMIN.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::ptr::null;
use std::thread;

use nix::errno::Errno;
use nix::libc;
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::Pid;
use procfs::process::Process as ProcEntry;

use super::ipc_objects::{posix_objects, system_v_objects};
use super::process::to_io;
use crate::sys::types::{IpcId, IpcObject};

/// The namespaces of IPC objects: System V objects and message queues, and the mount on `/dev/shm`.
const OF_OBJECTS: CloneFlags = CloneFlags::CLONE_NEWIPC.union(CloneFlags::CLONE_NEWNS);

/// Checks that this process may make network, PID, IPC and mount namespaces.
///
/// # Errors
/// Those of unshare(2); `EPERM` without CAP_SYS_ADMIN.
pub fn check_namespace_permission() -> io::Result<()> {
    // A namespace belongs to a thread, and goes with it.
    let make = || unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID | OF_OBJECTS);
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
        // musl and glibc differ in the type of a request.
        let set = Errno::result(libc::ioctl(socket, libc::SIOCSIFFLAGS as libc::Ioctl, &request));
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

/// Makes the child of `command` start with IPC objects of its own: no System V objects, no message queues, and `folder` as
/// its `/dev/shm`.
///
/// # Errors
/// `InvalidInput` if `folder` contains a NUL. Launching the child fails without CAP_SYS_ADMIN.
#[expect(unsafe_code, reason = "the child itself must leave the namespaces, between fork and exec")]
pub fn give_own_objects(command: &mut Command, folder: &Path) -> io::Result<()> {
    let folder = CString::new(folder.as_os_str().as_bytes())?;
    let leave = move || {
        unshare(OF_OBJECTS)?;
        hide_mounts()?;
        mount(Some(&folder), c"/dev/shm", None, libc::MS_BIND)
    };
    // SAFETY: the closure makes system calls and allocates nothing, so it is async-signal-safe.
    unsafe { command.pre_exec(leave) };
    Ok(())
}

/// Hides the later mounts of this thread's mount namespace from all others: mount_namespaces(7).
fn hide_mounts() -> io::Result<()> {
    mount(None, c"/", None, libc::MS_REC | libc::MS_PRIVATE)
}

/// Calls mount(2). Allocates no memory.
#[expect(unsafe_code, reason = "mount(2) has no safe wrapper without allocation")]
fn mount(source: Option<&CStr>, target: &CStr, kind: Option<&CStr>, flags: libc::c_ulong) -> io::Result<()> {
    let pointer = |text: Option<&CStr>| text.map_or(null(), CStr::as_ptr);
    // SAFETY: the pointers are null or point to strings that end with a NUL; the kernel keeps none of them.
    let mounted = unsafe {
        libc::mount(pointer(source), target.as_ptr(), pointer(kind), flags, null::<libc::c_void>())
    };
    Ok(Errno::result(mounted).map(drop)?)
}

/// Returns the IPC namespace of process `pid`. It exists as long as the returned file is open.
///
/// # Errors
/// Those of open(2).
pub fn ipc_namespace_of(pid: Pid) -> io::Result<File> {
    File::open(format!("/proc/{pid}/ns/ipc"))
}

/// Lists the System V objects and the POSIX message queues in an IPC namespace. `place` is an empty directory, on which
/// the queues are mounted for the calling thread alone.
///
/// # Errors
/// Those of setns(2), unshare(2) and mount(2), and of reading the tables.
pub fn objects_in_namespace(namespace: &File, place: &Path) -> io::Result<Vec<IpcObject>> {
    let target = CString::new(place.as_os_str().as_bytes())?;
    let list = || -> io::Result<Vec<IpcObject>> {
        setns(namespace, CloneFlags::CLONE_NEWIPC)?;
        unshare(CloneFlags::CLONE_NEWNS)?;
        hide_mounts()?;
        mount(Some(c"mqueue"), &target, Some(c"mqueue"), 0)?;
        let queues =
            posix_objects(place)?.into_iter().map(|queue| IpcObject { id: usual_path(&queue.id), ..queue });
        Ok(system_v_objects().into_iter().chain(queues).collect())
    };
    thread::scope(|scope| {
        let listing = thread::Builder::new().spawn_scoped(scope, list)?;
        listing.join().map_err(|_| io::Error::other("the thread panicked"))?
    })
}

/// Returns the id of a message queue with the path that it has in `/dev/mqueue`.
fn usual_path(id: &IpcId) -> IpcId {
    match id {
        IpcId::File(path) => IpcId::File(Path::new("/dev/mqueue").join(path.file_name().unwrap_or_default())),
        other => other.clone(),
    }
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

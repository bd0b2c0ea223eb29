//! Another user for a server, and how many threads that user may have: setresuid(2), capabilities(7), prlimit(2).

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use nix::errno::Errno;
use nix::libc;
use nix::unistd::{Pid, geteuid};
use procfs::process::Process as ProcEntry;

use super::process::to_io;

/// The first of the user ids that no other process has, by convention: above those of users and of containers.
const FIRST_USER: u32 = 0x7000_0000;

/// The version of the structures of capset(2) (`<linux/capability.h>`), with 64 capabilities in two halves.
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// The capabilities with which a process may exceed RLIMIT_NPROC: getrlimit(2).
const CAP_SYS_ADMIN: u32 = 21;
const CAP_SYS_RESOURCE: u32 = 24;

/// `struct __user_cap_header_struct` of capget(2).
#[repr(C)]
struct Header {
    version: u32,
    pid: libc::c_int,
}

/// `struct __user_cap_data_struct` of capget(2): 32 of the capabilities.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Checks that this process may start others as another user.
///
/// # Errors
/// `EPERM` unless the user is root.
pub fn check_user_permission() -> io::Result<()> {
    if geteuid().is_root() { Ok(()) } else { Err(Errno::EPERM.into()) }
}

/// Makes the child of `command` start as a user that no other process has. It keeps all capabilities of root except those
/// to exceed the limit of threads, so that it can use root's files.
///
/// # Errors
/// None on Linux. Launching the child fails without permission.
#[expect(unsafe_code, reason = "the child itself must change its user, between fork and exec")]
pub fn give_own_user(command: &mut Command) -> io::Result<()> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = (std::process::id() << 8) + NEXT.fetch_add(1, Ordering::Relaxed) % 256;
    let user = FIRST_USER + number % 0x0f00_0000;
    // SAFETY: the closure makes system calls and allocates nothing, so it is async-signal-safe.
    unsafe { command.pre_exec(move || become_user(user)) };
    Ok(())
}

/// Changes this process's user, and keeps its capabilities across execve(2). Allocates no memory.
#[expect(unsafe_code, reason = "capset(2) has no wrapper")]
fn become_user(user: u32) -> io::Result<()> {
    let header = Header { version: CAPABILITY_VERSION, pid: 0 };
    let mut halves = [Half::default(); 2];
    // SAFETY: the structures are those that the kernel expects for this version, and it keeps no pointer to them. The
    // system calls change this process alone, which has one thread.
    unsafe {
        Errno::result(libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0))?;
        Errno::result(libc::syscall(libc::SYS_setresuid, user, user, user))?;
        Errno::result(libc::syscall(libc::SYS_capget, &raw const header, halves.as_mut_ptr()))?;
        halves[0].permitted &= !(1 << CAP_SYS_ADMIN | 1 << CAP_SYS_RESOURCE);
        for half in &mut halves {
            half.effective = half.permitted;
            half.inheritable = half.permitted;
        }
        Errno::result(libc::syscall(libc::SYS_capset, &raw const header, halves.as_ptr()))?;
        for number in 0..64_u32 {
            if halves[number as usize / 32].permitted & (1 << (number % 32)) != 0 {
                let raised = libc::prctl(
                    libc::PR_CAP_AMBIENT,
                    libc::PR_CAP_AMBIENT_RAISE,
                    libc::c_ulong::from(number),
                    0,
                    0,
                );
                Errno::result(raised)?;
            }
        }
    }
    Ok(())
}

/// Sets the number of threads that the user of process `pid` may have when that process makes one, or removes this limit.
///
/// # Errors
/// Those of prlimit(2).
pub fn set_task_limit(pid: Pid, tasks: Option<usize>) -> io::Result<()> {
    match change_task_limit(pid, tasks) {
        // Root without CAP_SYS_RESOURCE, as in some containers, may change the limits of its own processes alone.
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
            as_user_of(pid, || change_task_limit(pid, tasks))
        }
        result => result,
    }
}

/// Calls `act` in a thread of its own, as the user of process `pid`. The system call changes the user of that thread
/// alone, unlike setresuid(3): nptl(7).
#[expect(unsafe_code, reason = "setresuid(3) changes all threads")]
fn as_user_of(pid: Pid, act: impl FnOnce() -> io::Result<()> + Send) -> io::Result<()> {
    let user = ProcEntry::new(pid.as_raw()).and_then(|process| process.status()).map_err(to_io)?.ruid;
    let act_as_user = || {
        // SAFETY: the call takes no pointer, and this thread ends with the function.
        Errno::result(unsafe { libc::syscall(libc::SYS_setresuid, user, user, user) })?;
        act()
    };
    let result = thread::scope(|scope| {
        let acting = thread::Builder::new().spawn_scoped(scope, act_as_user)?;
        acting.join().map_err(|_| io::Error::other("the thread panicked"))?
    });
    // A change of user in any thread takes the files in /proc/PID from the process: PR_SET_DUMPABLE(2const).
    // SAFETY: the call takes no pointer.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0) })?;
    result
}

#[expect(unsafe_code, reason = "prlimit(2) has no safe wrapper")]
fn change_task_limit(pid: Pid, tasks: Option<usize>) -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointers are valid for the call, or null, and the kernel keeps none of them.
    unsafe {
        Errno::result(libc::prlimit(pid.as_raw(), libc::RLIMIT_NPROC, std::ptr::null(), &raw mut limit))?;
        limit.rlim_cur = tasks.map_or(limit.rlim_max, |tasks| (tasks as libc::rlim_t).min(limit.rlim_max));
        Errno::result(libc::prlimit(
            pid.as_raw(),
            libc::RLIMIT_NPROC,
            &raw const limit,
            std::ptr::null_mut(),
        ))?;
    }
    Ok(())
}

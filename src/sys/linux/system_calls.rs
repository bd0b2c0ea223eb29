//! Counting system calls: the tracepoint `raw_syscalls:sys_enter`, through perf_event_open(2).
//!
//! While a counter is open, every system call of the machine takes a longer path into the kernel. So nothing is timed
//! meanwhile.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::Pid;
use perf_event_open_sys::bindings::{PERF_FLAG_FD_CLOEXEC, PERF_TYPE_TRACEPOINT, perf_event_attr};
use perf_event_open_sys::perf_event_open;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use super::threads::threads;

/// The file with the number of the tracepoint for system calls, relative to the root of a tracefs.
const TRACEPOINT_ID: &str = "events/raw_syscalls/sys_enter/id";

/// Counts the system calls of processes, and of the threads and processes that they start, while it exists.
#[derive(Debug)]
pub struct SystemCallCounter {
    /// The perf counters, one for each thread that existed at the start. A counter includes the thread's descendants.
    counters: Vec<File>,
}

impl SystemCallCounter {
    /// The name of the kernel interface that counts system calls, for reports.
    pub const SOURCE: &str = "perf_event_open(2), raw_syscalls:sys_enter";

    /// Starts to count the system calls of all threads of `pids`.
    ///
    /// # Errors
    /// `PermissionDenied` with a text that says why; `NotFound` if a process does not exist.
    pub fn start(pids: &[Pid]) -> io::Result<SystemCallCounter> {
        let tracepoint = tracepoint_id()?;
        let mut counters = Vec::new();
        for &pid in pids {
            for thread in threads(pid)? {
                match open_counter(tracepoint, thread) {
                    Ok(counter) => counters.push(counter.into()),
                    // The thread has exited since it was listed.
                    Err(Errno::ESRCH) => {}
                    Err(error) => return Err(explain(error)),
                }
            }
        }
        Ok(SystemCallCounter { counters })
    }

    /// Returns the number of system calls that the processes have entered since the counter was started.
    ///
    /// # Errors
    /// Those of read(2).
    pub fn count(&self) -> io::Result<u64> {
        let mut sum = 0;
        for mut counter in &self.counters {
            let mut bytes = [0; 8];
            counter.read_exact(&mut bytes)?;
            sum += u64::from_ne_bytes(bytes);
        }
        Ok(sum)
    }
}

/// Opens a counter of system calls for `thread` and all threads and processes that it starts.
#[expect(unsafe_code, reason = "perf_event_open(2) has no safe binding")]
fn open_counter(tracepoint: u64, thread: Pid) -> nix::Result<OwnedFd> {
    const ANY_PROCESSOR: i32 = -1;
    const NO_GROUP: i32 = -1;
    let mut attributes = perf_event_attr {
        type_: PERF_TYPE_TRACEPOINT,
        size: size_of::<perf_event_attr>() as u32,
        config: tracepoint,
        ..perf_event_attr::default()
    };
    attributes.set_inherit(1);
    // SAFETY: the attributes are initialized and contain their size. The kernel accesses no more bytes than that.
    let counter = unsafe {
        perf_event_open(
            &raw mut attributes,
            thread.as_raw(),
            ANY_PROCESSOR,
            NO_GROUP,
            PERF_FLAG_FD_CLOEXEC.into(),
        )
    };
    let counter = Errno::result(counter)?;
    // SAFETY: the kernel has just opened this descriptor, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(counter) })
}

/// Reads the number of the tracepoint for system calls from a mounted tracefs, or from one that is mounted nowhere and
/// vanishes with its descriptor.
fn tracepoint_id() -> io::Result<u64> {
    let mounted = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
    let found = mounted.iter().find_map(|root| fs::read_to_string(format!("{root}/{TRACEPOINT_ID}")).ok());
    let text = found.map_or_else(read_from_new_tracefs, Ok).map_err(|error| {
        let problem =
            "a tracefs has the number of the tracepoint, and this user can neither read nor mount one";
        io::Error::new(error.kind(), format!("{problem}: {error}"))
    })?;
    text.trim().parse().map_err(|_| io::ErrorKind::InvalidData.into())
}

fn read_from_new_tracefs() -> io::Result<String> {
    let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let root = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    io::read_to_string(File::from(openat(&root, TRACEPOINT_ID, flags, Mode::empty())?))
}

fn explain(error: Errno) -> io::Error {
    const PARANOID: &str = "/proc/sys/kernel/perf_event_paranoid";
    let level = fs::read_to_string(PARANOID).unwrap_or_default();
    let text = match error {
        Errno::EACCES | Errno::EPERM => {
            format!("this user may not count them (kernel.perf_event_paranoid is {})", level.trim())
        }
        Errno::ENOSYS | Errno::ENOENT => format!("this kernel has no such tracepoint: {error}"),
        other => other.to_string(),
    };
    io::Error::new(io::Error::from(error).kind(), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_names_the_kernel_setting() {
        let refused = explain(Errno::EACCES);
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert!(refused.to_string().contains("perf_event_paranoid"), "{refused}");
    }
}

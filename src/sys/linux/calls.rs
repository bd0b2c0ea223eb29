//! System calls of processes, counted by the kernel at the tracepoint that every one of them passes:
//! `raw_syscalls:sys_enter`, perf_event_open(2).
//!
//! Nothing is recorded, only counted; yet for as long as somebody counts, all system calls of the machine take a longer
//! way into the kernel. So nothing is timed meanwhile.

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

use super::processors::threads;

pub const CALLS_SOURCE: &str = "perf_event_open(2), raw_syscalls:sys_enter";

/// Under a tracefs: the number of the tracepoint.
const NUMBER: &str = "events/raw_syscalls/sys_enter/id";

/// Counters, one for each thread that there was; whatever those start is counted with them.
#[derive(Debug)]
pub struct SystemCallCounter(Vec<File>);

impl SystemCallCounter {
    /// What counts them.
    pub const SOURCE: &str = CALLS_SOURCE;

    pub fn start(pids: &[Pid]) -> io::Result<SystemCallCounter> {
        let tracepoint = tracepoint()?;
        let mut counters = Vec::new();
        for &pid in pids {
            for thread in threads(pid)? {
                match count(tracepoint, thread) {
                    Ok(counter) => counters.push(counter.into()),
                    // It has ended meanwhile.
                    Err(Errno::ESRCH) => {}
                    Err(error) => return Err(explain(error)),
                }
            }
        }
        Ok(SystemCallCounter(counters))
    }

    pub fn count(&self) -> io::Result<u64> {
        let mut sum = 0;
        for mut counter in &self.0 {
            let mut bytes = [0; 8];
            counter.read_exact(&mut bytes)?;
            sum += u64::from_ne_bytes(bytes);
        }
        Ok(sum)
    }
}

/// Counts what `thread` and all that it starts do from now on.
#[expect(unsafe_code, reason = "perf_event_open(2) has no safe binding")]
fn count(tracepoint: u64, thread: Pid) -> nix::Result<OwnedFd> {
    const ANY_PROCESSOR: i32 = -1;
    const NO_GROUP: i32 = -1;
    let mut wish = perf_event_attr {
        type_: PERF_TYPE_TRACEPOINT,
        size: size_of::<perf_event_attr>() as u32,
        config: tracepoint,
        ..perf_event_attr::default()
    };
    wish.set_inherit(1);
    // SAFETY: the wish is whole and says its size; the kernel reads it, and writes no more than that size into it.
    let counter = unsafe {
        perf_event_open(&raw mut wish, thread.as_raw(), ANY_PROCESSOR, NO_GROUP, PERF_FLAG_FD_CLOEXEC.into())
    };
    let counter = Errno::result(counter)?;
    // SAFETY: the descriptor is new, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(counter) })
}

/// The tracepoint's number, of a tracefs wherever one is mounted, or of one that is mounted nowhere and goes with its
/// descriptor.
fn tracepoint() -> io::Result<u64> {
    let mounted = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
    let told = mounted.iter().find_map(|place| fs::read_to_string(format!("{place}/{NUMBER}")).ok());
    let text = told.map_or_else(unmounted, Ok).map_err(|error| {
        let says = "which tracepoint it is says a tracefs, and this user can neither read nor mount one";
        io::Error::new(error.kind(), format!("{says}: {error}"))
    })?;
    text.trim().parse().map_err(|_| io::ErrorKind::InvalidData.into())
}

fn unmounted() -> io::Result<String> {
    let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let root = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
    io::read_to_string(File::from(openat(&root, NUMBER, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?))
}

fn explain(error: Errno) -> io::Error {
    const PARANOID: &str = "/proc/sys/kernel/perf_event_paranoid";
    let level = fs::read_to_string(PARANOID).unwrap_or_default();
    let says = match error {
        Errno::EACCES | Errno::EPERM => {
            format!("this user may not count them (kernel.perf_event_paranoid is {})", level.trim())
        }
        Errno::ENOSYS | Errno::ENOENT => format!("this kernel has no such tracepoint: {error}"),
        other => other.to_string(),
    };
    io::Error::new(io::Error::from(error).kind(), says)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_setting_behind_it() {
        let refused = explain(Errno::EACCES);
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert!(refused.to_string().contains("perf_event_paranoid"), "{refused}");
    }
}

//! The harness's own limits, and signals that whoever started it may have left ignored.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;

use nix::libc::c_long;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{SysconfVar, sysconf};

/// As many descriptors as the largest crowd of clients needs. macOS starts at 256, most Linux at 1024.
const WANTED: rlim_t = 4096;

static FORMER: OnceLock<(rlim_t, rlim_t)> = OnceLock::new();

/// Raises this process's soft limit of descriptors as far as it is allowed and useful. Servers still start
/// with the limit that we were started with.
pub fn raise_descriptor_limit() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    if soft < WANTED && setrlimit(Resource::RLIMIT_NOFILE, WANTED.min(hard), hard).is_ok() {
        let _ = FORMER.set((soft, hard));
    }
}

/// How many descriptors this process may have open.
#[must_use]
pub fn descriptor_limit() -> usize {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| usize::try_from(soft).unwrap_or(usize::MAX))
}

/// Has the child of `command` start with the limit that this process was started with.
#[expect(unsafe_code, reason = "a limit is the child's own only between fork and exec")]
pub fn restore_descriptor_limit(command: &mut Command) {
    let Some(&(soft, hard)) = FORMER.get() else { return };
    let restore = move || Ok(setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?);
    // SAFETY: the closure makes one system call and allocates nothing, so it is async-signal-safe.
    unsafe { command.pre_exec(restore) };
}

/// How many processes this user may have at once, as sysconf(3) says (`_SC_CHILD_MAX`), or the pids controller of
/// cgroups(7) where that allows fewer.
///
/// # Errors
/// Those of `sysconf(3)`.
pub fn process_limit() -> io::Result<u64> {
    let own = sysconf(SysconfVar::CHILD_MAX)?.map_or(u64::MAX, c_long::unsigned_abs);
    let contained = group_limit("pids", "pids.max").and_then(|text| text.parse().ok());
    Ok(contained.map_or(own, |contained| own.min(contained)))
}

/// What a container allows: the memory and processor controllers of cgroups(7), where there are any.
#[derive(Debug, Clone, Copy, Default)]
pub struct ContainerLimits {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Processors, or the share of one.
    pub processors: Option<f64>,
}

/// What limits this process in its container; nothing where none is told.
#[must_use]
pub fn container_limits() -> ContainerLimits {
    // Version 1 says "no limit" with as many bytes as fit into whole pages.
    const NO_LIMIT: u64 = 1 << 62;
    let memory = ["memory.max", "memory.limit_in_bytes"].map(|file| group_limit("memory", file));
    let memory = memory.into_iter().flatten().find_map(|text| text.parse().ok());
    let [unified, quota, period] =
        ["cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"].map(|file| group_limit("cpu", file));
    let processors = unified.or_else(|| Some(format!("{} {}", quota?, period?)));
    let share = |text: String| {
        let (quota, period) = text.split_once(' ')?;
        Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?)
    };
    ContainerLimits {
        memory: memory.filter(|&bytes| bytes < NO_LIMIT),
        processors: processors.and_then(share).filter(|&number| number > 0.0),
    }
}

/// What `file` of this process's own control group says, in the one hierarchy of version 2, or in that of `controller`
/// alone. In a container the own group often is the root of what is mounted.
fn group_limit(controller: &str, file: &str) -> Option<String> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let lines = groups.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
    let own: Vec<_> =
        lines.filter(|(names, _)| names.is_empty() || names.split(',').any(|it| it == controller)).collect();
    let places = own.iter().flat_map(|(names, path)| {
        let hierarchy = if names.is_empty() { String::new() } else { format!("/{controller}") };
        [*path, ""].map(|group| format!("/sys/fs/cgroup{hierarchy}{group}/{file}"))
    });
    places.into_iter().find_map(|path| fs::read_to_string(path).ok()).map(|text| text.trim().to_owned())
}

/// Undoes an ignored SIGCHLD, which a parent can leave us: with it the kernel forgets how children ended
/// (wait(2)), and servers would inherit it.
#[expect(unsafe_code, reason = "signal(2) is unsafe because handlers are")]
pub fn reset_sigchld() {
    // SAFETY: the default action runs no code of ours.
    let _ = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) };
}

//! Limits of a container: cgroups(7).

use std::fs;
use std::io;

use crate::sys::types::ContainerLimits;

/// Returns the limits that control groups set for this process.
#[must_use]
pub fn container_limits() -> ContainerLimits {
    // Version 1 writes "no limit" as the largest number of whole pages.
    const NO_LIMIT: u64 = 1 << 62;
    let memory = ["memory.max", "memory.limit_in_bytes"].map(|file| read_limit("memory", file));
    let memory = memory.into_iter().flatten().find_map(|text| text.parse().ok());
    let [unified, quota, period] =
        ["cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"].map(|file| read_limit("cpu", file));
    let processors = unified.or_else(|| Some(format!("{} {}", quota?, period?)));
    let share = |text: String| {
        let (quota, period) = text.split_once(' ')?;
        Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?)
    };
    ContainerLimits {
        memory: memory.filter(|&bytes| bytes < NO_LIMIT),
        processors: processors.and_then(share).filter(|&number| number > 0.0),
        processes: read_limit("pids", "pids.max").and_then(|text| text.parse().ok()),
    }
}

/// Makes free(3) return blocks of 256 KiB and more to the kernel: `M_MMAP_THRESHOLD`, mallopt(3). By default glibc keeps
/// all blocks as large as the largest that was ever freed, and fork(2) copies the page tables of what a process keeps.
#[cfg_attr(target_env = "gnu", expect(unsafe_code, reason = "mallopt(3) is in no safe library"))]
pub fn return_freed_blocks() {
    // SAFETY: the call changes a setting of the allocator, which it protects by a lock of its own.
    #[cfg(target_env = "gnu")]
    unsafe {
        nix::libc::mallopt(nix::libc::M_MMAP_THRESHOLD, 256 * 1024)
    };
}

/// Returns the highest limit of open descriptors that a process can have: `/proc/sys/fs/nr_open`, proc(5).
///
/// # Errors
/// Those of reading the file.
pub fn highest_descriptor_limit() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/sys/fs/nr_open")?;
    text.trim().parse().map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Reads `file` of this process's control group: in the unified hierarchy of version 2, or in that of `controller` in
/// version 1. In a container, the process's group often is the root of the mounted hierarchy, so the root's file is
/// read too.
fn read_limit(controller: &str, file: &str) -> Option<String> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let lines = groups.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
    let own: Vec<_> = lines
        .filter(|(names, _)| names.is_empty() || names.split(',').any(|name| name == controller))
        .collect();
    let paths = own.iter().flat_map(|(names, path)| {
        let hierarchy = if names.is_empty() { String::new() } else { format!("/{controller}") };
        [*path, ""].map(|group| format!("/sys/fs/cgroup{hierarchy}{group}/{file}"))
    });
    paths.into_iter().find_map(|path| fs::read_to_string(path).ok()).map(|text| text.trim().to_owned())
}

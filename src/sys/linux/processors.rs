//! Which processors there are, and who runs on them.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::sys::types::{Core, IdleStatesDisabled};

const SELF: Pid = Pid::from_raw(0);

pub fn usable_processors() -> io::Result<Vec<usize>> {
    let set = sched_getaffinity(SELF)?;
    Ok((0..CpuSet::count()).filter(|&processor| set.is_set(processor) == Ok(true)).collect())
}

pub fn core_of(processor: usize) -> io::Result<Core> {
    let topology = format!("/sys/devices/system/cpu/cpu{processor}/topology");
    let package = fs::read_to_string(format!("{topology}/physical_package_id"))?;
    let threads = fs::read_to_string(format!("{topology}/thread_siblings_list"))?;
    Ok(Core {
        // A machine that does not number its packages says -1.
        package: package.trim().parse().unwrap_or_default(),
        threads: parse_list(&threads).ok_or(io::ErrorKind::InvalidData)?,
    })
}

/// A list of processors as the kernel writes it: `0-3,8`.
pub fn parse_list(text: &str) -> Option<Vec<usize>> {
    let mut all = Vec::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        all.extend(first.parse::<usize>().ok()?..=last.parse().ok()?);
    }
    Some(all)
}

pub fn pin_thread(processors: &[usize]) -> io::Result<()> {
    Ok(sched_setaffinity(SELF, &set(processors)?)?)
}

/// A thread inherits the mask of the one that makes it, so the list is read until it holds no thread that has not
/// been confined: then none is left that could make another outside.
pub fn pin_process(pid: Pid, processors: &[usize]) -> io::Result<()> {
    let set = set(processors)?;
    let mut confined = HashSet::new();
    loop {
        let fresh: Vec<Pid> = threads(pid)?.into_iter().filter(|&thread| confined.insert(thread)).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        for thread in fresh {
            match sched_setaffinity(thread, &set) {
                // It has ended meanwhile.
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The threads of `pid` that live now.
pub fn threads(pid: Pid) -> io::Result<Vec<Pid>> {
    let number = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    Ok(fs::read_dir(format!("/proc/{pid}/task"))?.filter_map(number).map(Pid::from_raw).collect())
}

fn set(processors: &[usize]) -> io::Result<CpuSet> {
    let mut set = CpuSet::new();
    for &processor in processors {
        set.set(processor)?;
    }
    Ok(set)
}

const LATENCY: &str = "/dev/cpu_dma_latency";

/// Four bytes with the longest latency in µs that is wished for: 0 leaves only the idle state that polls.
pub fn disable_idle_states() -> io::Result<IdleStatesDisabled> {
    let mut device = File::options().write(true).open(LATENCY).map_err(explain)?;
    device.write_all(&0_i32.to_ne_bytes()).map_err(explain)?;
    Ok(IdleStatesDisabled { wish: device.into() })
}

fn explain(error: io::Error) -> io::Error {
    let mend = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "run as root, or let this user write to it (a udev rule); in a container pass --device /dev/cpu_dma_latency"
        }
        io::ErrorKind::NotFound => {
            "in a container pass --device /dev/cpu_dma_latency; on a machine of its own the kernel needs CONFIG_CPU_IDLE"
        }
        _ => "the kernel refuses to hold idle states off",
    };
    io::Error::new(error.kind(), format!("{LATENCY}: {error}; {mend}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lists_of_processors_are_read() {
        assert_eq!(parse_list("0-2,5\n"), Some(vec![0, 1, 2, 5]));
        assert_eq!(parse_list("7"), Some(vec![7]));
        assert_eq!(parse_list("x"), None);
    }

    #[test]
    fn a_refusal_says_what_would_mend_it() {
        let text = explain(io::ErrorKind::PermissionDenied.into()).to_string();
        assert!(text.contains(LATENCY) && text.contains("--device"), "{text}");
    }
}

//! Processors: affinity, topology, idle states, time. `sched_setaffinity(2)`, sysfs(5), `proc_stat(5)`.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::time::Duration;

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::prctl;
use nix::unistd::Pid;

use super::threads::threads;
use crate::sys::types::{Core, IdleStatesDisabled, ProcessorTime};

const THIS_THREAD: Pid = Pid::from_raw(0);

/// Lists the processors that this thread may run on, in ascending order.
///
/// # Errors
/// Those of `sched_getaffinity(2)`.
pub fn usable_processors() -> io::Result<Vec<usize>> {
    let set = sched_getaffinity(THIS_THREAD)?;
    Ok((0..CpuSet::count()).filter(|&processor| set.is_set(processor) == Ok(true)).collect())
}

/// Returns the core that `processor` belongs to.
///
/// # Errors
/// `NotFound` if there is no such processor.
pub fn core_of(processor: usize) -> io::Result<Core> {
    let topology = format!("/sys/devices/system/cpu/cpu{processor}/topology");
    let package = fs::read_to_string(format!("{topology}/physical_package_id"))?;
    let threads = fs::read_to_string(format!("{topology}/thread_siblings_list"))?;
    Ok(Core {
        // The number is -1 on a machine that does not number its packages.
        package: package.trim().parse().unwrap_or_default(),
        threads: parse_list(&threads).ok_or(io::ErrorKind::InvalidData)?,
    })
}

/// Parses a list of processors in the kernel's format, such as `0-3,8`.
pub fn parse_list(text: &str) -> Option<Vec<usize>> {
    let mut all = Vec::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        all.extend(first.parse::<usize>().ok()?..=last.parse().ok()?);
    }
    Some(all)
}

/// Formats ascending numbers of processors in the kernel's format, such as `0-3,8`.
pub fn format_cpu_list(processors: &[usize]) -> String {
    let runs = processors.chunk_by(|one, next| one + 1 == *next);
    let text = |run: &[usize]| match run {
        [first, .., last] => format!("{first}-{last}"),
        [one] => one.to_string(),
        [] => String::new(),
    };
    runs.map(text).collect::<Vec<_>>().join(",")
}

/// Restricts the calling thread, and all that it starts later, to `processors`.
///
/// # Errors
/// `InvalidInput` if this process may use none of them.
pub fn pin_thread(processors: &[usize]) -> io::Result<()> {
    Ok(sched_setaffinity(THIS_THREAD, &cpu_set(processors)?)?)
}

/// Restricts all threads of `pid`, and all that they start later, to `processors`. Existing children are not changed.
///
/// A thread inherits the mask of the thread that starts it. So the list of threads is read again until it holds no new
/// one.
///
/// # Errors
/// `InvalidInput` if this process may use none of them; `NotFound` if the process does not exist; `PermissionDenied`
/// for another user's process.
pub fn pin_process(pid: Pid, processors: &[usize]) -> io::Result<()> {
    let set = cpu_set(processors)?;
    let mut pinned = HashSet::new();
    loop {
        let fresh: Vec<Pid> = threads(pid)?.into_iter().filter(|&thread| pinned.insert(thread)).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        for thread in fresh {
            match sched_setaffinity(thread, &set) {
                // ESRCH: the thread has exited since it was listed.
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn cpu_set(processors: &[usize]) -> io::Result<CpuSet> {
    let mut set = CpuSet::new();
    for &processor in processors {
        set.set(processor)?;
    }
    Ok(set)
}

/// Makes timed waits of the calling thread end on time: `PR_SET_TIMERSLACK`, prctl(2). By default the kernel delays
/// them by up to 50 µs, to wake a processor once for several.
pub fn minimize_timer_slack() {
    // A kernel that refuses leaves the default. The comparison then shows the delay as lateness.
    let _ = prctl::set_timerslack(1);
}

const LATENCY_DEVICE: &str = "/dev/cpu_dma_latency";

/// Keeps all processors out of idle states until the returned value is dropped. They poll for work, so that waking one
/// needs no interrupt: `Documentation/power/pm_qos_interface.rst`.
///
/// # Errors
/// `PermissionDenied` or `NotFound`, with a text that says what to do.
pub fn disable_idle_states() -> io::Result<IdleStatesDisabled> {
    let mut device = File::options().write(true).open(LATENCY_DEVICE).map_err(explain)?;
    // The kernel reads the largest permitted latency in µs. 0 permits only the idle state that polls.
    device.write_all(&0_i32.to_ne_bytes()).map_err(explain)?;
    Ok(IdleStatesDisabled { device: device.into() })
}

fn explain(error: io::Error) -> io::Error {
    let help = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "run as root, or let this user write to it (a udev rule); in a container pass --device /dev/cpu_dma_latency"
        }
        io::ErrorKind::NotFound => {
            "in a container pass --device /dev/cpu_dma_latency; outside of one the kernel needs CONFIG_CPU_IDLE"
        }
        _ => "the kernel does not let idle states be disabled",
    };
    io::Error::new(error.kind(), format!("{LATENCY_DEVICE}: {error}; {help}"))
}

/// The name of the kernel interface behind [`processor_time`], for reports.
pub const PROCESSOR_TIME_SOURCE: &str = "/proc/stat";

/// Returns the time that `processors` have spent at work since the system started, summed up.
///
/// # Errors
/// Those of reading `/proc/stat`.
pub fn processor_time(processors: &[usize]) -> io::Result<ProcessorTime> {
    let tick = Duration::from_secs_f64(1.0 / procfs::ticks_per_second() as f64);
    let text = fs::read_to_string("/proc/stat")?;
    let mut sum = ProcessorTime { resolution: tick, ..ProcessorTime::default() };
    for &processor in processors {
        let (busy, stolen) = busy_and_stolen(&text, processor)
            .ok_or_else(|| io::Error::other(format!("/proc/stat does not list processor {processor}")))?;
        sum.busy += tick * busy;
        sum.stolen += tick * stolen;
    }
    Ok(sum)
}

/// Returns the clock ticks in which a processor worked, and the ticks that the hypervisor gave to other guests. Ignores
/// the columns of guest time, because user time includes it.
fn busy_and_stolen(text: &str, processor: usize) -> Option<(u32, u32)> {
    let name = format!("cpu{processor} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name))?;
    let counts: Vec<u32> = line.split_whitespace().map_while(|count| count.parse().ok()).collect();
    let [user, nice, system, _idle, _iowait, irq, softirq, steal, ..] = counts[..] else { return None };
    Some((user + nice + system + irq + softirq, steal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_lists_of_processors() {
        assert_eq!(parse_list("0-2,5\n"), Some(vec![0, 1, 2, 5]));
        assert_eq!(parse_list("7"), Some(vec![7]));
        assert_eq!(parse_list("x"), None);
    }

    #[test]
    fn formats_lists_as_the_kernel_does() {
        for text in ["0-2,5", "7", "0,2,4-5"] {
            assert_eq!(format_cpu_list(&parse_list(text).unwrap()), text);
        }
    }

    #[test]
    fn refusal_says_what_to_do() {
        let text = explain(io::ErrorKind::PermissionDenied.into()).to_string();
        assert!(text.contains(LATENCY_DEVICE) && text.contains("--device"), "{text}");
    }

    const STAT: &str =
        "cpu  90 9 9 9 9 9 9 9 0 0\ncpu1 1 2 3 100 50 4 5 7 1 0\ncpu11 8 0 0 0 0 0 0 0 0 0\nintr 1\n";

    #[test]
    fn reads_busy_and_stolen_ticks() {
        assert_eq!(busy_and_stolen(STAT, 1), Some((15, 7)));
        assert_eq!(busy_and_stolen(STAT, 11), Some((8, 0)));
        assert_eq!(busy_and_stolen(STAT, 0), None);
    }
}

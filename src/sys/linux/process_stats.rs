//! Linux: proc(5).

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::unistd::Pid;
use procfs::process::Process as ProcEntry;

use super::process::{to_io, unmapped};
use crate::sys::types::{ProcessStats, SchedulerStats, SignalSets, SleepingThread, TcpQueues};

pub fn process_stats(pid: Pid) -> io::Result<ProcessStats> {
    let stat = ProcEntry::new(pid.as_raw()).and_then(|entry| entry.stat()).map_err(to_io)?;
    let ticks = stat.utime + stat.stime;
    Ok(ProcessStats {
        cpu: Duration::from_secs_f64(ticks as f64 / procfs::ticks_per_second() as f64),
        threads: usize::try_from(stat.num_threads).unwrap_or_default(),
        resident: stat.rss * procfs::page_size(),
    })
}

pub fn signal_sets(pid: Pid) -> io::Result<SignalSets> {
    let status = ProcEntry::new(pid.as_raw()).and_then(|entry| entry.status()).map_err(to_io)?;
    Ok(SignalSets { blocked: status.sigblk, ignored: status.sigign })
}

/// `pipe_write`, or `anon_pipe_write` since Linux 6.16.
pub fn is_blocked_writing_pipe(pid: Pid) -> io::Result<bool> {
    let waits = |task: fs::DirEntry| {
        fs::read_to_string(task.path().join("wchan")).is_ok_and(|place| place.contains("pipe_write"))
    };
    Ok(fs::read_dir(format!("/proc/{pid}/task"))?.filter_map(Result::ok).any(waits))
}

pub fn tcp_queues(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<TcpQueues>> {
    let all = procfs::net::tcp().map_err(to_io)?.into_iter().chain(procfs::net::tcp6().unwrap_or_default());
    let mut ends = all
        .filter(|entry| unmapped(entry.local_address) == local && unmapped(entry.remote_address) == remote);
    let queues = |entry: procfs::net::TcpNetEntry| TcpQueues {
        unacknowledged: entry.tx_queue as usize,
        unread: entry.rx_queue as usize,
    };
    Ok(ends.next().map(queues))
}

/// From two counters of nanoseconds for each thread, which a kernel can be built without.
pub fn scheduler_stats(pid: Pid) -> io::Result<SchedulerStats> {
    fs::metadata("/proc/self/schedstat").map_err(|_| io::ErrorKind::Unsupported)?;
    let mut sum = SchedulerStats::default();
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread that has ended since the list was made is none that lives.
        let Ok(statistics) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        let mut counters = statistics.split_whitespace().map_while(|number| number.parse().ok());
        sum.ran += counters.next().map_or(Duration::ZERO, Duration::from_nanos);
        sum.queued += counters.next().map_or(Duration::ZERO, Duration::from_nanos);
    }
    Ok(sum)
}

pub fn process_state(pid: Pid) -> Option<&'static str> {
    let stat = ProcEntry::new(pid.as_raw()).and_then(|entry| entry.stat()).ok()?;
    Some(match stat.state {
        'R' => "running",
        'D' => "waiting for a device",
        'T' => "stopped by a signal",
        't' => "stopped by a tracer",
        'Z' | 'X' => "dead",
        _ => "sleeping",
    })
}

pub fn all_threads_blocked(pid: Pid) -> Option<bool> {
    let tasks = ProcEntry::new(pid.as_raw()).and_then(|entry| entry.tasks()).ok()?;
    let states: Vec<Option<char>> = tasks.map(|task| Some(task.ok()?.stat().ok()?.state)).collect();
    (!states.is_empty()).then(|| all_wait(&states))
}

/// A thread whose state could not be read has ended since it was listed, and may have taken along those that were
/// seen to wait before it: exit_group(2).
fn all_wait(states: &[Option<char>]) -> bool {
    states.iter().all(|state| matches!(state, Some('S' | 'T' | 't')))
}

/// The kernel lists a process's threads by their numbers, and the main thread has the lowest.
pub fn wait_channels(pid: Pid) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().filter_map(Result::ok);
    let mut numbers: Vec<i32> = tasks.filter_map(|task| task.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_by_key(|&number| (number != pid.as_raw(), number));
    let mut places: Vec<String> = Vec::new();
    for place in numbers.into_iter().filter_map(|number| place(&format!("/proc/{pid}/task/{number}/wchan"))) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// `/proc/PID/wchan` needs no privilege for one's own processes but reads `0` while running.
pub fn place(wchan: &str) -> Option<String> {
    let place = fs::read_to_string(wchan).ok()?;
    // The compiler's suffixes (`.constprop.0`) mean nothing to a reader.
    let place = place.split('.').next().unwrap_or_default().trim();
    (!matches!(place, "" | "0")).then(|| place.to_owned())
}

pub fn command_line(pid: Pid) -> Vec<String> {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = words.strip_suffix(b"\0").unwrap_or(&words);
    if words.is_empty() {
        return Vec::new();
    }
    words.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

pub fn peak_memory(pid: Pid) -> io::Result<u64> {
    let status = ProcEntry::new(pid.as_raw()).and_then(|entry| entry.status()).map_err(to_io)?;
    // A process that has ended has no memory.
    status.vmhwm.map(|kibibytes| kibibytes * 1024).ok_or_else(|| io::ErrorKind::NotFound.into())
}

pub fn enable_quick_ack(socket: BorrowedFd<'_>) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_tcp_quickack(socket, true)?)
}

/// `running`, or the number of the system call and its arguments (proc(5)); what may be read there is what ptrace(2)
/// might read.
pub fn sleeping_threads(pid: Pid) -> io::Result<Vec<SleepingThread>> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = task?;
        // A thread that has ended meanwhile sleeps no more.
        let call = match fs::read_to_string(task.path().join("syscall")) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
            call => call.unwrap_or_default(),
        };
        let place = fs::read_to_string(task.path().join("wchan")).unwrap_or_default();
        found.extend(sleeper(&task.file_name().to_string_lossy(), &call, place));
    }
    found.sort_by_key(|sleeper| sleeper.thread);
    Ok(found)
}

fn sleeper(thread: &str, call: &str, place: String) -> Option<SleepingThread> {
    let first = call.split_whitespace().nth(1)?.strip_prefix("0x")?;
    Some(SleepingThread {
        thread: Pid::from_raw(thread.parse().ok()?),
        wait_channel: place,
        first_argument: i32::from_str_radix(first, 16).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_whose_thread_goes_while_it_is_looked_at_is_not_at_rest() {
        assert!(all_wait(&[Some('S'), Some('T')]));
        assert!(!all_wait(&[Some('S'), None]));
        assert!(!all_wait(&[Some('S'), Some('R')]));
    }
}

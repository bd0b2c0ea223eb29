//! Threads: where they sleep in the kernel. proc(5).

use std::fs;
use std::io;

use nix::unistd::Pid;
use procfs::process::Process as ProcEntry;

use crate::sys::types::SleepingThread;

/// Returns the kernel function that the main thread of `pid` sleeps in, such as `pipe_read`. `None` while it runs.
#[must_use]
pub fn wait_channel(pid: Pid) -> Option<String> {
    read_wait_channel(&format!("/proc/{pid}/wchan"))
}

/// Returns the kernel functions that the threads of `pid` sleep in, each once, the main thread's first.
#[must_use]
pub fn wait_channels(pid: Pid) -> Vec<String> {
    let mut numbers: Vec<Pid> = threads(pid).unwrap_or_default();
    numbers.sort_by_key(|&number| (number != pid, number));
    let mut channels: Vec<String> = Vec::new();
    for number in numbers {
        let channel = read_wait_channel(&format!("/proc/{pid}/task/{number}/wchan"));
        channels.extend(channel.filter(|channel| !channels.contains(channel)));
    }
    channels
}

/// Reads a thread's file `wchan`, which names the kernel function that the thread sleeps in. It contains `0` for a
/// thread that runs. No privilege is needed for one's own processes.
fn read_wait_channel(path: &str) -> Option<String> {
    let channel = fs::read_to_string(path).ok()?;
    // The compiler adds suffixes such as `.constprop.0`.
    let channel = channel.split('.').next().unwrap_or_default().trim();
    (!matches!(channel, "" | "0")).then(|| channel.to_owned())
}

/// Returns whether some thread of `pid` is in a write(2) to a full pipe.
///
/// # Errors
/// `NotFound` if the process does not exist.
pub fn is_blocked_writing_pipe(pid: Pid) -> io::Result<bool> {
    // The function is `pipe_write`, or `anon_pipe_write` since Linux 6.16.
    let blocked = |task: fs::DirEntry| {
        fs::read_to_string(task.path().join("wchan")).is_ok_and(|channel| channel.contains("pipe_write"))
    };
    Ok(fs::read_dir(format!("/proc/{pid}/task"))?.filter_map(Result::ok).any(blocked))
}

/// Returns whether every thread of `pid` sleeps or is stopped. `None` if the process does not exist.
#[must_use]
pub fn all_threads_blocked(pid: Pid) -> Option<bool> {
    let tasks = ProcEntry::new(pid.as_raw()).and_then(|entry| entry.tasks()).ok()?;
    let states: Vec<Option<char>> = tasks.map(|task| Some(task.ok()?.stat().ok()?.state)).collect();
    (!states.is_empty()).then(|| all_blocked(&states))
}

/// Returns whether all threads with these `states` are blocked. `None` stands for a thread that has exited since it was
/// listed. It may have called exit_group(2), which ends the other threads too, so the process is not idle.
fn all_blocked(states: &[Option<char>]) -> bool {
    let waits = |state: &Option<char>| matches!(state, Some('S' | 'T' | 't'));
    // The first thread stays a zombie if it exits before the others.
    states.iter().any(waits) && states.iter().all(|state| waits(state) || *state == Some('Z'))
}

/// Lists the threads of `pid` that sleep in a system call whose first argument can be a descriptor, by thread id.
///
/// # Errors
/// `PermissionDenied` where ptrace(2) would be refused; `NotFound` if the process does not exist.
pub fn sleeping_threads(pid: Pid) -> io::Result<Vec<SleepingThread>> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = task?;
        // The file is missing if the thread has exited since it was listed.
        let call = match fs::read_to_string(task.path().join("syscall")) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
            call => call.unwrap_or_default(),
        };
        let wait_channel = fs::read_to_string(task.path().join("wchan")).unwrap_or_default();
        found.extend(sleeping_thread(&task.file_name().to_string_lossy(), &call, wait_channel));
    }
    found.sort_by_key(|thread| thread.thread);
    Ok(found)
}

/// Parses `/proc/PID/task/TID/syscall`: `running`, or the system call's number and its arguments.
fn sleeping_thread(thread: &str, call: &str, wait_channel: String) -> Option<SleepingThread> {
    let first = call.split_whitespace().nth(1)?.strip_prefix("0x")?;
    Some(SleepingThread {
        thread: Pid::from_raw(thread.parse().ok()?),
        wait_channel,
        first_argument: i32::from_str_radix(first, 16).ok()?,
    })
}

/// Lists the thread ids of `pid`.
///
/// # Errors
/// `NotFound` if the process does not exist.
pub fn threads(pid: Pid) -> io::Result<Vec<Pid>> {
    let number = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    Ok(fs::read_dir(format!("/proc/{pid}/task"))?.filter_map(number).map(Pid::from_raw).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_with_an_exiting_thread_is_not_blocked() {
        assert!(all_blocked(&[Some('S'), Some('T')]));
        assert!(!all_blocked(&[Some('S'), None]));
        assert!(!all_blocked(&[Some('S'), Some('R')]));
        assert!(all_blocked(&[Some('Z'), Some('S')]));
        assert!(!all_blocked(&[Some('Z')]));
    }
}

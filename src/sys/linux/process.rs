//! Processes: proc(5), `pidfd_open(2)`, prctl(2).

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};
use procfs::process::Stat;
use procfs::{FromRead, ProcError};

use crate::sys::types::Process;
use crate::sys::unix::child_attributes::{end_of_descriptors, mark_close_on_exec};
use crate::sys::unix::exit::poll_for_exit;

/// Lists the processes that this user may see, in no particular order.
///
/// # Errors
/// Those of reading `/proc`.
pub fn processes() -> io::Result<Vec<Process>> {
    let pids =
        fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    Ok(pids.filter_map(|pid| read_stat(pid).ok()).map(process).collect())
}

/// Lists the children of `parent`, zombies included.
///
/// `/proc/PID/task/*/children` can miss a child while others exit: proc(5). Callers that need every child look again,
/// or filter [`processes`]. A kernel without `CONFIG_PROC_CHILDREN` lacks that file; then all processes are read.
///
/// # Errors
/// Those of reading `/proc`.
pub fn children(parent: Pid) -> io::Result<Vec<Process>> {
    static HAS_CHILDREN_FILE: LazyLock<bool> =
        LazyLock::new(|| Path::new("/proc/thread-self/children").exists());
    if !*HAS_CHILDREN_FILE {
        let mut all = processes()?;
        all.retain(|process| process.parent == parent);
        return Ok(all);
    }
    let Ok(tasks) = fs::read_dir(format!("/proc/{parent}/task")) else { return Ok(Vec::new()) };
    let lists = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok());
    let pids = lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>());
    Ok(pids.filter_map(|pid| read_stat(pid).ok()).map(process).collect())
}

/// Returns whether `process` may be a descendant of this process. Orphaned descendants of a sub-reaper become its own
/// children. Without a sub-reaper any process may be an orphan.
#[must_use]
pub fn may_be_descendant(process: &Process) -> bool {
    process.parent == Pid::this() || !prctl::get_child_subreaper().unwrap_or(false)
}

/// Reads `/proc/PID/stat` of the process `pid`.
pub fn read_stat(pid: i32) -> io::Result<Stat> {
    Stat::from_read(File::open(format!("/proc/{pid}/stat"))?).map_err(to_io)
}

fn process(stat: Stat) -> Process {
    Process {
        pid: Pid::from_raw(stat.pid),
        parent: Pid::from_raw(stat.ppid),
        group: Pid::from_raw(stat.pgrp),
        // The first thread is a zombie while others still run, or have not yet closed the descriptors that all share.
        zombie: matches!(stat.state, 'Z' | 'X') && stat.num_threads <= 1,
        stopped: is_stopped(&stat),
        name: stat.comm,
    }
}

/// Returns whether no thread of a process runs. SIGSTOP stops each thread when it next leaves the kernel, so the first
/// thread can have stopped while another still reads.
fn is_stopped(first_thread: &Stat) -> bool {
    let stopped = |state: char| matches!(state, 'T' | 't' | 'Z' | 'X');
    let has_exited = first_thread.state == 'Z' && first_thread.num_threads > 1;
    if !has_exited && !matches!(first_thread.state, 'T' | 't') {
        return false;
    }
    let Ok(tasks) = fs::read_dir(format!("/proc/{}/task", first_thread.pid)) else { return true };
    tasks.filter_map(Result::ok).all(|task| {
        // The file is missing if the thread has exited since it was listed.
        let Ok(file) = File::open(task.path().join("stat")) else { return true };
        Stat::from_read(file).map_or(true, |thread| stopped(thread.state))
    })
}

/// Returns the path of the program that `pid` executes, if it can be read. The path changes with execve(2), not with
/// fork(2).
#[must_use]
pub fn executable(pid: Pid) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// Returns the command line of `pid`. It is empty for a process that has exited.
#[must_use]
pub fn command_line(pid: Pid) -> Vec<String> {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = words.strip_suffix(b"\0").unwrap_or(&words);
    if words.is_empty() {
        return Vec::new();
    }
    words.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// Returns the state of `pid` in words, such as `running` or `stopped by a signal`. `None` if it does not exist.
#[must_use]
pub fn process_state(pid: Pid) -> Option<&'static str> {
    let stat = read_stat(pid.as_raw()).ok()?;
    Some(match stat.state {
        'R' => "running",
        'D' => "waiting for a device",
        'T' => "stopped by a signal",
        't' => "stopped by a tracer",
        'Z' | 'X' => "dead",
        _ => "sleeping",
    })
}

/// Returns whether `pid` was started with the environment variable `name` set to `value`.
///
/// # Errors
/// `PermissionDenied` for another user's process.
pub fn has_env_var(pid: Pid, name: &str, value: &str) -> io::Result<bool> {
    let block = environment(pid)?;
    let wanted = format!("{name}={value}");
    Ok(block.split(|&byte| byte == 0).any(|entry| entry == wanted.as_bytes()))
}

/// The longest time for which [`environment`] waits for an execve(2) to finish.
const EXEC_TIMEOUT: Duration = Duration::from_secs(1);

/// The size of the buffer for a process's environment. It is large enough for one read(2), because execve(2) can
/// replace the memory between two reads.
const ENVIRONMENT_CAPACITY: usize = 64 * 1024;

/// Reads `/proc/PID/environ`, which is the environment at the last execve(2).
///
/// During execve(2) the file is empty: the old memory is gone and the new stack is not there yet. It is also empty for
/// a process that was started without environment. Only in the second case does `/proc/PID/stat` show where the code
/// begins, which the kernel writes last. So an empty file is read again until that address has been seen twice.
fn environment(pid: Pid) -> io::Result<Vec<u8>> {
    let began = Instant::now();
    let mut before = None;
    loop {
        let mut block = Vec::with_capacity(ENVIRONMENT_CAPACITY);
        File::open(format!("/proc/{pid}/environ"))?.read_to_end(&mut block)?;
        if !block.is_empty() || began.elapsed() > EXEC_TIMEOUT {
            return Ok(block);
        }
        let stat = read_stat(pid.as_raw())?;
        let addresses = (stat.startcode != 0).then_some((stat.startcode, stat.env_end));
        if matches!(stat.state, 'Z' | 'X') || addresses.is_some() && addresses == before {
            return Ok(block);
        }
        before = addresses;
        thread::yield_now();
    }
}

/// Waits until `pid` has exited or `limit` has passed. Returns whether it has exited. Does not reap the process.
///
/// # Errors
/// Those of `pidfd_open(2)` and poll(2).
pub fn wait_for_exit(pid: Pid, limit: Duration) -> io::Result<bool> {
    let Some(number) = rustix::process::Pid::from_raw(pid.as_raw()) else { return Ok(true) };
    let handle = match rustix::process::pidfd_open(number, rustix::process::PidfdFlags::empty()) {
        Err(rustix::io::Errno::SRCH) => return Ok(true),
        // A kernel before 5.3, or a sandbox, refuses the call.
        Err(_) => return poll_for_exit(pid, limit),
        Ok(handle) => handle,
    };
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let limit = PollTimeout::try_from(left.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(handle.as_fd(), PollFlags::POLLIN)], limit) {
            Err(nix::Error::EINTR) => {}
            ready => return Ok(ready? > 0),
        }
    }
}

/// Makes this process the parent of its orphaned descendants, so that it can reap them, or stops that:
/// `PR_SET_CHILD_SUBREAPER`. Returns the former setting.
pub fn set_subreaper(on: bool) -> bool {
    let former = prctl::get_child_subreaper().unwrap_or(false);
    if former != on {
        let _ = prctl::set_child_subreaper(on);
    }
    former
}

/// Makes the child of `command` close all descriptors above 2 when it executes its program: close_range(2) with
/// `CLOSE_RANGE_CLOEXEC`. Kernels before 5.11 refuse that flag; then the child marks one descriptor after the other.
#[expect(unsafe_code, reason = "only the child's own table may change, between fork and exec")]
pub fn inherit_no_descriptors(command: &mut Command) {
    let end = end_of_descriptors();
    let mark = move || {
        let (first, last) = (3, libc::c_uint::MAX);
        // SAFETY: the call closes nothing. It marks descriptors, and no Rust value depends on the mark.
        let answer = unsafe { libc::syscall(libc::SYS_close_range, first, last, libc::CLOSE_RANGE_CLOEXEC) };
        if answer != 0 {
            mark_close_on_exec(3..end);
        }
        Ok(())
    };
    // SAFETY: the closure makes system calls and allocates nothing, so it is async-signal-safe.
    unsafe { command.pre_exec(mark) };
}

/// The id that the first process of a PID namespace has there, and the id of its parent there.
const FIRST_OF_NAMESPACE: (Pid, Pid) = (Pid::from_raw(1), Pid::from_raw(0));

/// Makes the kernel kill the child of `command` when the thread that spawned it exits: `PR_SET_PDEATHSIG`.
#[expect(unsafe_code, reason = "only the child itself can ask for the signal, between fork and exec")]
pub fn kill_with_parent(command: &mut Command) {
    let harness = Pid::this();
    let ask = move || {
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        // If the parent has exited before the request, the kernel never sends the signal.
        // The first process of a PID namespace has a parent outside, whose number is 0 there.
        let has_parent = getppid() == harness || (Pid::this(), getppid()) == FIRST_OF_NAMESPACE;
        if has_parent { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    };
    // SAFETY: the closure makes two system calls and allocates nothing, so it is async-signal-safe.
    unsafe { command.pre_exec(ask) };
}

/// Converts an error of the procfs crate to an error of the standard library.
pub fn to_io(error: ProcError) -> io::Error {
    match error {
        ProcError::PermissionDenied(_) => io::ErrorKind::PermissionDenied.into(),
        ProcError::NotFound(_) => io::ErrorKind::NotFound.into(),
        ProcError::Io(error, _) => error,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell command for a test that executes itself again and again.
    const EXECS_ITSELF: &str = r#"exec sh -c "$0" "$0""#;

    #[test]
    fn finds_a_variable_during_exec() {
        let mut child =
            Command::new("sh").args(["-c", EXECS_ITSELF, EXECS_ITSELF]).env("MARKED", "yes").spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed());
        let missed = (0..2000).filter(|_| !has_env_var(pid, "MARKED", "yes").unwrap()).count();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(missed, 0, "of 2000 looks");
    }

    #[test]
    fn empty_environment_has_no_variable() {
        let mut child = Command::new("sleep").arg("60").env_clear().spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed());
        assert!(!has_env_var(pid, "PATH", "").unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

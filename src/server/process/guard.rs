//! A guard process that kills the servers if this process is killed.
//!
//! Linux kills the launched process when its parent dies, but not what that process has forked; other systems
//! kill nothing. So a guard runs beside the servers and waits for the end of a pipe whose only write end
//! belongs to this process. However this process ends, the kernel closes that end. The guard then kills every
//! process that carries our mark in its environment, and every process group that we named and did not
//! withdraw. The guard is `/bin/sh` with fixed text: a library cannot rely on any other program.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::unistd::Pid;
use os_pipe::PipeWriter;

use super::tree::MARK_VARIABLE;
use crate::sys;

struct Guard {
    process: Child,
    orders: PipeWriter,
}

static GUARD: Mutex<Option<Guard>> = Mutex::new(None);

/// The shell script of the guard, which kills our servers if this process dies. `$1` is the beginning of the servers'
/// marks. The script searches in several rounds, because a server may fork while it is killed: twenty outrun it.
const GUARD_SCRIPT: &str = r#"
trap '' INT TERM HUP QUIT TSTP USR1
groups=' '
while read -r order group; do
    case $order in
        watch) groups="$groups$group " ;;
        leave) case $groups in
            *" $group "*) groups="${groups%% $group *} ${groups#* $group }" ;;
        esac ;;
        exit) exit ;;
    esac
done
marked() {
    if [ -r /proc/self/environ ]; then
        grep -las "$1" /proc/[0-9]*/environ | tr -dc '0-9\n'
    else
        ps -axEww -o pid= -o command= | while read -r pid text; do
            case $text in *"$1"*) echo "$pid" ;; esac
        done
    fi
}
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    for group in $groups; do kill -9 -- "-$group" 2>/dev/null; done
    doomed=$(marked "$1")
    [ -n "$doomed" ] || break
    kill -9 $doomed 2>/dev/null
done
"#;

/// Tells the guard to kill the process group `group` if this process dies. Starts the guard first if none runs.
///
/// # Errors
/// Where the guard cannot be started.
pub(super) fn watch_group(group: Pid) -> io::Result<()> {
    let mut guard = lock();
    let guard = match &mut *guard {
        Some(guard) => guard,
        None => guard.insert(Guard::start()?),
    };
    // A user may have killed the guard; the run goes on without one.
    let _ = writeln!(guard.orders, "watch {group}");
    Ok(())
}

/// Tells the guard that the process group `group` has ended. The system may give its number to another process soon.
pub(super) fn forget_group(group: Pid) {
    if let Some(guard) = &mut *lock() {
        let _ = writeln!(guard.orders, "leave {group}");
    }
}

/// Tells the guard to exit, and waits until it has exited. The guard kills nothing, because all servers have ended.
pub(super) fn stop_guard() {
    if let Some(Guard { mut process, mut orders }) = lock().take() {
        let _ = writeln!(orders, "exit");
        sys::between_launches(|| drop(orders));
        let _ = process.wait();
    }
}

/// Tells the guard to kill every process that carries our mark, and waits until the guard has exited.
pub(crate) fn kill_marked_processes() {
    if let Some(Guard { mut process, orders }) = lock().take() {
        sys::between_launches(|| drop(orders));
        let _ = process.wait();
    }
}

/// Returns the beginning of the mark that each of this process's servers has in its environment.
pub(super) fn mark_prefix() -> String {
    format!("{}-", std::process::id())
}

impl Guard {
    fn start() -> io::Result<Guard> {
        let (input, orders) = os_pipe::pipe()?;
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", GUARD_SCRIPT, "echospec-guard", &format!("{MARK_VARIABLE}={}", mark_prefix())]);
        shell.stdin(input).stdout(Stdio::null()).stderr(Stdio::null());
        sys::start_new_session(&mut shell);
        Ok(Guard { process: sys::with_launch_lock(|| shell.spawn())?, orders })
    }
}

fn lock() -> MutexGuard<'static, Option<Guard>> {
    GUARD.lock().unwrap_or_else(PoisonError::into_inner)
}

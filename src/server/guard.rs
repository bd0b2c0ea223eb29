//! If this process is killed, somebody must still end its servers.
//!
//! Linux kills the process that was launched when its parent dies, and nothing ends what that process had
//! forked, nor anything at all elsewhere. So beside the servers runs one small process that waits for the end of a
//! pipe whose only write end is ours. However we end, the kernel closes it; the guard then kills every process
//! that carries our mark in its environment, and every process group that we have named and not withdrawn.
//! It is a shell with fixed text, because that is to be found wherever this library is used.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::unistd::Pid;
use os_pipe::PipeWriter;

use super::shepherd::MARK;
use crate::sys;

struct Guard {
    process: Child,
    tell: PipeWriter,
}

static GUARD: Mutex<Option<Guard>> = Mutex::new(None);

/// `$1` is what the marks of our servers begin with. Twenty rounds outrun a server that forks while it is killed.
const GUARD_SCRIPT: &str = r#"
trap '' INT TERM HUP QUIT TSTP USR1
groups=' '
while read -r order group; do
    case $order in
        watch) groups="$groups$group " ;;
        leave) case $groups in
            *" $group "*) groups="${groups%% $group *} ${groups#* $group }" ;;
        esac ;;
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

/// Has the process group of a server watched over from now on.
///
/// # Errors
/// Where the guard cannot be started.
pub(super) fn watch(group: Pid) -> io::Result<()> {
    let mut post = post();
    let guard = match &mut *post {
        Some(guard) => guard,
        None => post.insert(Guard::start()?),
    };
    // Whoever has killed the guard wants none.
    let _ = writeln!(guard.tell, "watch {group}");
    Ok(())
}

/// The group has ended, and its number may soon belong to strangers.
pub(super) fn leave(group: Pid) {
    if let Some(guard) = &mut *post() {
        let _ = writeln!(guard.tell, "leave {group}");
    }
}

/// Ends the guard, who finds nothing left to do, and waits for that.
pub(super) fn dismiss() {
    if let Some(Guard { mut process, tell }) = post().take() {
        sys::between_launches(|| drop(tell));
        let _ = process.wait();
    }
}

/// The beginning of the marks of this process's servers.
pub(super) fn mark_prefix() -> String {
    format!("{}-", std::process::id())
}

impl Guard {
    fn start() -> io::Result<Guard> {
        let (orders, tell) = os_pipe::pipe()?;
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", GUARD_SCRIPT, "echospec-guard", &format!("{MARK}={}", mark_prefix())]);
        shell.stdin(orders).stdout(Stdio::null()).stderr(Stdio::null());
        sys::leave_session(&mut shell);
        Ok(Guard { process: sys::launching(|| shell.spawn())?, tell })
    }
}

fn post() -> MutexGuard<'static, Option<Guard>> {
    GUARD.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Checks the signals of programs that the server executes: fork(2) and execve(2) preserve blocked and ignored ones.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;

use nix::sys::signal::Signal;

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::processes::{new_processes, pid_and_name};
use crate::deadline::until;
use crate::outcome::{Level::Should, Outcome};
use crate::server::{Instance, Server};
use crate::sys::{self, Process, SignalSets};
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/children-start-clean",
    level: Should,
    sentence: "another program that the server executes starts with no signal blocked or ignored",
    why: "a program inherits what the server blocks or ignores for itself, and then cannot be ended by that signal, or never exits",
    citations: &["exec(3p)", "signal(7)", "sigprocmask(2)"],
    recipe: "connect and exchange a message; for each new process that runs another program, compare its blocked and ignored signals with those of the same program started by the harness",
    requires: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS).union(Capabilities::LAUNCHED),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let before = server.processes()?;
    let _client = server.connect_and_hold()?;
    // The programs of the server itself: its own, which its forks run too, and that of a wrapper which started it.
    let own: HashSet<_> = before.iter().filter_map(|process| sys::executable(process.pid)).collect();
    let now = server.processes()?;
    for child in new_processes(server, &before)? {
        // A shell in between may set signals for its own children. Only the server's direct children count.
        let parent = now.iter().find(|process| process.pid == child.parent);
        let by_server = parent.and_then(|it| sys::executable(it.pid)).is_some_and(|it| own.contains(&it));
        let program = sys::executable(child.pid).filter(|program| by_server && !own.contains(program));
        if let Some(program) = program {
            starts_clean(server, &child, program)?;
        }
    }
    Ok(())
}

fn starts_clean(server: &Server, child: &Process, program: PathBuf) -> check::Result {
    let has = signals(child.pid)?;
    if has == SignalSets::default() {
        return Ok(());
    }
    // Programs also change their signals themselves: Python, for one, ignores SIGPIPE.
    let Some(usual) = signals_when_started_here(server, program)? else { return Ok(()) };
    // C libraries use the real-time signals for their threads, so these do not count.
    let blocked = has.blocked & !usual.blocked & STANDARD;
    let ignored = has.ignored & !usual.ignored & STANDARD;
    for (which, signals) in [("ignored", ignored), ("blocked", blocked)] {
        if signals != 0 {
            let actual = format!("{} starts with {} {which}", pid_and_name(child), names(signals));
            let finding = Finding::fail("a program that starts with no signal blocked or ignored", actual)
                .because("a program that is executed inherits what the server has set for itself");
            return Err(if which == "ignored" && signals == SIGPIPE_ALONE {
                as_info(finding)
            } else {
                finding
            });
        }
    }
    Ok(())
}

/// A bit mask of the standard signals, 1 to 31: signal(7).
const STANDARD: u64 = 0x7fff_ffff;

const SIGPIPE_ALONE: u64 = 1 << (Signal::SIGPIPE as i32 - 1);

/// Lowers the outcome of a finding about SIGPIPE in a child to *info*: many servers ignore SIGPIPE also for their
/// children, which then get EPIPE.
fn as_info(finding: Finding) -> Finding {
    Finding { outcome: Outcome::Info, ..finding }
}

/// Returns the signals that `program` ignores or blocks when the harness starts it, or `None` if it exits without
/// waiting for input.
fn signals_when_started_here(server: &Server, program: PathBuf) -> check::Result<Option<SignalSets>> {
    let (input, _held) = os_pipe::pipe().or_broken("a pipe")?;
    let (_reader, output) = os_pipe::pipe().or_broken("a pipe")?;
    let Ok(mut alone) =
        Instance::start([program.into_os_string()], [Some(input.into()), Some(output.into()), None])
    else {
        return Ok(None);
    };
    let at_rest = || Ok((alone.ended().is_some() || sys::wait_channel(alone.pid()).is_some()).then_some(()));
    until(server.deadlines().no_progress(), at_rest)?;
    if alone.ended().is_some() { Ok(None) } else { signals(alone.pid()).map(Some) }
}

fn signals(pid: nix::unistd::Pid) -> check::Result<SignalSets> {
    sys::signal_sets(pid).map_err(|error| match error.kind() {
        io::ErrorKind::Unsupported => {
            Finding::unsupported("the signals of a process", "this system does not show them")
        }
        _ => Finding::broken("the signals of a process", error.to_string()),
    })
}

fn names(bits: u64) -> String {
    let set = Signal::iterator().filter(|&signal| bits >> (signal as i32 - 1) & 1 == 1);
    let names: Vec<_> = set.map(Signal::as_str).collect();
    if names.is_empty() { format!("signals {bits:#x}") } else { names.join(", ") }
}

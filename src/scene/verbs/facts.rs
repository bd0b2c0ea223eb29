//! Facts about the server, which the scene waits for.

use std::path::Path;
use std::time::Duration;

use crate::check::{self, Finding, OrFinding};
use crate::deadline::until;
use crate::outcome::Outcome;
use crate::scene::slot::CALLS;
use crate::scene::stage::{Mark, Stage};
use crate::scene::value::Arguments;
use crate::scene::verb::{Run, Verb};
use crate::server::describe_state;
use crate::sys::{self, Descriptor, TcpState};
use crate::text::count_with_noun;
use crate::transport::Capabilities;

/// The capabilities of a server that is one process for all its clients.
const SHARED: Capabilities = Capabilities::MANY_CLIENTS;

pub const VERBS: &[Verb] = &[
    Verb::new(
        "server has read all that CLIENT sent",
        "Nothing that the client sent waits in a queue of the kernel.",
        Run::Stage(has_read),
    )
    .needs(Capabilities::STREAM)
    .waits(),
    Verb::new(
        "server is blocked in CALL",
        "A process of the server waits in this system call.",
        Run::Stage(blocked_in),
    )
    .waits(),
    Verb::new("server is idle", "All threads of the server wait.", Run::Stage(idle)).waits(),
    Verb::new("server listens", "The server's socket is ready for clients.", Run::Stage(listens))
        .needs(SHARED)
        .waits(),
    Verb::new(
        "server has NUMBER descriptors",
        "The launched process has this number of open descriptors.",
        Run::Stage(has_descriptors),
    )
    .waits(),
    Verb::new(
        "mark NEW",
        "The scene remembers how many descriptors and processes the server has.",
        Run::Stage(mark),
    ),
    Verb::new(
        "server has as many descriptors as at MARK",
        "The launched process has as many open descriptors as at the mark.",
        Run::Stage(descriptors_as_at),
    )
    .waits(),
    Verb::new(
        "server has as many processes as at MARK",
        "The server has as many processes as at the mark.",
        Run::Stage(processes_as_at),
    )
    .waits(),
    Verb::new("server has no child", "The server is a single process.", Run::Stage(no_child)).waits(),
    Verb::new(
        "server has no zombie",
        "The server has waited for all its children that have exited.",
        Run::Stage(no_zombie),
    )
    .waits(),
    Verb::new(
        "server uses no processor time",
        "The server is not in a busy loop.",
        Run::Stage(no_processor_time),
    )
    .waits(),
    Verb::new(
        "server prints TEXT",
        "A line that the server has printed contains the text.",
        Run::Stage(prints),
    )
    .waits(),
    Verb::new(
        "server has a connection in TIME_WAIT",
        "The kernel keeps a closed connection of the server's port.",
        Run::Stage(in_time_wait),
    )
    .needs(Capabilities::TCP)
    .waits(),
    Verb::new("socket file exists", "There is a file at the server's path.", Run::Stage(socket_file_exists))
        .needs(Capabilities::SOCKET_PATH)
        .waits(),
    Verb::new("socket file is gone", "There is no file at the server's path.", Run::Stage(socket_file_gone))
        .needs(Capabilities::SOCKET_PATH)
        .waits(),
    Verb::new("file TEXT exists", "This file exists.", Run::Stage(file_exists)).waits(),
    Verb::new("file TEXT is gone", "This file does not exist.", Run::Stage(file_gone)).waits(),
    Verb::new(
        "nothing is left",
        "The server has exited with all its processes, and has left no socket file, queue or shared memory.",
        Run::Stage(nothing_left),
    )
    .waits(),
];

fn usual(stage: &Stage<'_>) -> Duration {
    stage.server.deadlines().no_progress()
}

fn has_read(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let limit = step.limit(usual(stage));
    for speaker in stage.speakers.get(step.name(0)).into_iter().flatten() {
        if !speaker.client.is_all_read_within(limit)? {
            let sent = count_with_noun(speaker.client.sent(), "byte");
            let waited = limit.as_secs_f64();
            return Err(Finding::timeout(
                format!("{sent} read by the server"),
                format!("some of them are still unread after {waited} s"),
            ));
        }
    }
    Ok(())
}

fn blocked_in(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let call = step.name(0).to_owned();
    let parts = CALLS.iter().find(|(name, _)| *name == call).map(|(_, parts)| *parts).unwrap_or_default();
    let is_call = |channel: &String| parts.iter().any(|part| channel.contains(part));
    let (wanted, mut tells) = (format!("a process blocked in {call}"), false);
    let result = stage.await_fact(step.limit(usual(stage)), wanted.as_str(), |stage| {
        let processes = stage.server.processes()?;
        let channels: Vec<String> = processes.iter().flat_map(|it| sys::wait_channels(it.pid)).collect();
        tells |= !channels.is_empty();
        let states = processes.iter().map(|it| format!("{} is {}", it.pid, describe_state(it)));
        Ok((!channels.iter().any(is_call)).then(|| states.collect::<Vec<_>>().join(", ")))
    });
    match result {
        Err(finding) if finding.outcome == Outcome::Fail && !tells => {
            Err(Finding::unsupported(wanted, "this system does not tell, or the server never waits"))
        }
        result => result,
    }
}

fn idle(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    await_idle(stage, step.limit(usual(stage)))
}

/// Waits at most `limit` until all threads of the server have been seen to wait, three times in a row.
pub(super) fn await_idle(stage: &mut Stage<'_>, limit: Duration) -> check::Result {
    const LOOKS: usize = 3;
    let states = |stage: &Stage<'_>| -> check::Result<Vec<Option<bool>>> {
        Ok(stage.server.processes()?.iter().map(|process| sys::all_threads_blocked(process.pid)).collect())
    };
    if states(stage)?.iter().all(Option::is_none) {
        // This system does not tell, so the server has a moment to become idle.
        return until(stage.server.deadlines().quiet(), || Ok(None::<()>)).map(drop);
    }
    let mut looks = 0;
    stage.await_fact(limit, "an idle server", move |stage| {
        let blocked = states(stage)?.iter().all(|state| *state == Some(true));
        looks = if blocked { looks + 1 } else { 0 };
        Ok((looks < LOOKS).then(|| "it is busy".into()))
    })
}

fn listens(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    stage.await_fact(step.limit(stage.server.deadlines().start()), "a listening server", |stage| {
        Ok((!stage.server.is_ready_now()).then(|| "it does not listen".into()))
    })
}

fn descriptors(stage: &mut Stage<'_>) -> check::Result<Vec<Descriptor>> {
    let pid = stage.server.pid()?;
    stage.server.descriptors(pid)
}

/// Waits until the server has `wanted` descriptors. A failure names the descriptors that are new since the mark `before`.
fn await_descriptors(
    stage: &mut Stage<'_>,
    step: &Arguments,
    wanted: usize,
    before: &[Descriptor],
) -> check::Result {
    let text = count_with_noun(wanted, "descriptor");
    stage.await_fact(step.limit(usual(stage)), text, |stage| {
        let now = descriptors(stage)?;
        Ok((now.len() != wanted).then(|| {
            let count = count_with_noun(now.len(), "descriptor");
            if before.is_empty() { count } else { format!("{count}{}", difference(before, &now)) }
        }))
    })
}

/// Describes the descriptors that are new since `before`, and the ones that are gone. Empty if there are none.
fn difference(before: &[Descriptor], now: &[Descriptor]) -> String {
    /// The maximum number of descriptors that are named.
    const SHOWN: usize = 6;
    let missing = |from: &[Descriptor], other: &[Descriptor]| -> Vec<String> {
        let is_missing =
            |one: &&Descriptor| !other.iter().any(|it| it.number == one.number && it.object == one.object);
        from.iter().filter(is_missing).map(|one| format!("{} {}", one.number, one.object)).collect()
    };
    let name = |word: &str, mut list: Vec<String>| {
        let more = list.len().saturating_sub(SHOWN);
        list.truncate(SHOWN);
        if more > 0 {
            list.push(format!("{more} more"));
        }
        if list.is_empty() { String::new() } else { format!("; {word} since the mark: {}", list.join(", ")) }
    };
    format!("{}{}", name("new", missing(now, before)), name("gone", missing(before, now)))
}

fn has_descriptors(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    await_descriptors(stage, step, step.number(0), &[])
}

fn mark(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let mark = Mark { descriptors: descriptors(stage)?, processes: stage.server.processes()?.len() };
    stage.marks.insert(step.name(0).to_owned(), mark);
    Ok(())
}

fn descriptors_as_at(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let before = stage.mark(step.name(0))?.descriptors;
    await_descriptors(stage, step, before.len(), &before)
}

fn await_processes(stage: &mut Stage<'_>, step: &Arguments, wanted: usize) -> check::Result {
    let text = count_with_noun(wanted, "process").replace("processs", "processes");
    stage.await_fact(step.limit(usual(stage)), text, |stage| {
        let now = stage.server.processes()?;
        let names: Vec<_> = now.iter().map(|process| process.pid.to_string()).collect();
        Ok((now.len() != wanted).then(|| format!("its processes are {}", names.join(", "))))
    })
}

fn processes_as_at(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let wanted = stage.mark(step.name(0))?.processes;
    await_processes(stage, step, wanted)
}

fn no_child(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    await_processes(stage, step, 1)
}

fn no_zombie(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    stage.await_fact(step.limit(stage.server.deadlines().reply()), "no zombie", |stage| {
        let zombies = stage.server.zombies()?;
        let names: Vec<_> = zombies.iter().take(3).map(|zombie| zombie.pid.to_string()).collect();
        let number = count_with_noun(zombies.len(), "zombie");
        Ok((!zombies.is_empty()).then(|| format!("{number}: {}", names.join(", "))))
    })
}

fn no_processor_time(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    const WINDOW: Duration = Duration::from_millis(200);
    stage.await_fact(step.limit(usual(stage)), "almost no processor time", |stage| {
        let cpu_use = stage.server.cpu_use(WINDOW)?;
        // A process in a busy loop runs or waits for a processor in every window, however busy the machine is.
        let waits = match cpu_use.queued {
            Some(_) => cpu_use.is_mostly_idle(),
            None => !cpu_use.is_busy_loop(),
        };
        Ok((!waits).then(|| cpu_use.to_string()))
    })
}

fn prints(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let wanted = step.text(0);
    stage.await_fact(step.limit(usual(stage)), format!("a line with \"{wanted}\""), |stage| {
        let output = stage.server.instance()?.output();
        let printed = || output.last_lines(1).concat();
        Ok((!output.text().contains(&wanted)).then(|| format!("the last line is \"{}\"", printed())))
    })
}

fn in_time_wait(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let address = stage.server.address().expect_inet().or_broken("a port")?;
    let limit = step.limit(usual(stage));
    let found = until(limit, || {
        let sockets = sys::tcp_sockets(address.port()).or_unsupported("the states of connections")?;
        Ok(sockets.iter().any(|(.., state)| *state == TcpState::TimeWait).then_some(()))
    })?;
    // The kernel does this, not the server: which side keeps the connection depends on who closed first.
    found.ok_or_else(|| Finding::broken("a connection in TIME_WAIT", "there is none"))
}

fn await_file(stage: &mut Stage<'_>, step: &Arguments, path: &Path, exists: bool) -> check::Result {
    let (wanted, other) = if exists { ("a file", "there is none") } else { ("no file", "it is still there") };
    stage.await_fact(step.limit(usual(stage)), format!("{wanted} at {}", path.display()), |_| {
        Ok((path.symlink_metadata().is_ok() != exists).then(|| other.into()))
    })
}

fn await_socket_file(stage: &mut Stage<'_>, step: &Arguments, exists: bool) -> check::Result {
    let path = stage.server.address().expect_path().or_broken("a path")?.to_owned();
    await_file(stage, step, &path, exists)
}

fn socket_file_exists(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    await_socket_file(stage, step, true)
}

fn socket_file_gone(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    await_socket_file(stage, step, false)
}

fn file_exists(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    await_file(stage, step, Path::new(&step.text(0)), true)
}

fn file_gone(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    await_file(stage, step, Path::new(&step.text(0)), false)
}

fn nothing_left(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    await_processes(stage, step, 0)?;
    let leaks = match stage.server.leaks() {
        Err(finding) if finding.outcome == Outcome::Unsupported => Vec::new(),
        leaks => leaks?,
    };
    let path = stage.server.address().path().filter(|path| path.symlink_metadata().is_ok());
    let mut left: Vec<String> = leaks.into_iter().map(|leak| leak.name).collect();
    left.extend(path.map(|path| path.display().to_string()));
    if left.is_empty() { Ok(()) } else { Err(Finding::leak("nothing", &left)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Object;

    #[test]
    fn descriptors_that_differ_from_those_at_a_mark_are_named() {
        let pipe = |number: i32, id: u64| Descriptor { number, object: Object::Pipe { id } };
        let before = [pipe(0, 1), pipe(3, 7)];
        assert_eq!(difference(&before, &before), "");
        let now = [pipe(0, 1), pipe(3, 8), pipe(4, 9)];
        let wanted = "; new since the mark: 3 pipe 8, 4 pipe 9; gone since the mark: 3 pipe 7";
        assert_eq!(difference(&before, &now), wanted);
        let many: Vec<Descriptor> = (0..9).map(|number| pipe(number, 20)).collect();
        assert!(difference(&[], &many).ends_with("5 pipe 20, 3 more"), "{}", difference(&[], &many));
    }
}

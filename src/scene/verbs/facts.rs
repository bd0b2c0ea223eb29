//! Facts about the server, which the scene waits for.

use std::path::Path;
use std::time::Duration;

use crate::check::{self, Finding, OrFinding};
use crate::deadline::until;
use crate::outcome::Outcome;
use crate::scene::slot::CALLS;
use crate::scene::stage::Stage;
use crate::scene::value::Arguments;
use crate::scene::verb::{Run, Verb};
use crate::server::describe_state;
use crate::sys;
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
    Verb::new(
        "server listens",
        "The server holds a socket that listens at its address.",
        Run::Stage(listens),
    )
    .needs(SHARED)
    .waits(),
    Verb::new(
        "server has as many processes as at MARK",
        "The server has as many processes as at the mark.",
        Run::Stage(processes_as_at),
    )
    .waits(),
    Verb::new(
        "server has NUMBER processes",
        "The server has this number of processes, with the launched one.",
        Run::Stage(has_processes),
    )
    .waits(),
    Verb::new(
        "server has NUMBER threads",
        "The processes of the server have this number of threads together.",
        Run::Stage(has_threads),
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

fn has_read(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let limit = step.limit(stage.usual_limit());
    for speaker in stage.speakers.get(step.name(0)).into_iter().flatten() {
        let is_read = |left| speaker.client.is_all_read_within(left).map(|is_read| is_read.then_some(()));
        if stage.server.stopwatch().wait(limit, is_read)?.is_none() {
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
    let result = stage.await_fact(step.limit(stage.usual_limit()), wanted.as_str(), |stage| {
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
    await_idle(stage, step.limit(stage.usual_limit()))
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
        Ok((!stage.server.listens()).then(|| "it does not listen".into()))
    })
}

fn await_processes(stage: &mut Stage<'_>, step: &Arguments, wanted: usize) -> check::Result {
    let text = count_with_noun(wanted, "process").replace("processs", "processes");
    stage.await_fact(step.limit(stage.usual_limit()), text, |stage| {
        let now = stage.server.processes()?;
        let names: Vec<_> = now.iter().map(|process| process.pid.to_string()).collect();
        Ok((now.len() != wanted).then(|| format!("its processes are {}", names.join(", "))))
    })
}

fn processes_as_at(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let wanted = stage.mark(step.name(0))?.processes;
    await_processes(stage, step, wanted)
}

fn has_processes(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    await_processes(stage, step, step.number(0))
}

fn has_threads(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let wanted = step.number(0);
    stage.await_fact(step.limit(stage.usual_limit()), count_with_noun(wanted, "thread"), |stage| {
        let now = stage.server.process_stats()?.threads;
        Ok((now != wanted).then(|| count_with_noun(now, "thread")))
    })
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
    stage.await_fact(step.limit(stage.usual_limit()), "almost no processor time", |stage| {
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
    stage.await_fact(step.limit(stage.usual_limit()), format!("a line with \"{wanted}\""), |stage| {
        let usual = stage.server.instance()?.output().clone();
        let outputs: Vec<_> = stage.streams.outputs().chain([&usual]).collect();
        let last = || outputs.iter().flat_map(|output| output.last_lines(1)).collect::<Vec<_>>().join("; ");
        let is_printed = outputs.iter().any(|output| output.text().contains(&wanted));
        Ok((!is_printed).then(|| format!("the last line is \"{}\"", last())))
    })
}

fn await_file(stage: &mut Stage<'_>, step: &Arguments, path: &Path, exists: bool) -> check::Result {
    let (wanted, other) = if exists { ("a file", "there is none") } else { ("no file", "it is still there") };
    stage.await_fact(step.limit(stage.usual_limit()), format!("{wanted} at {}", path.display()), |_| {
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

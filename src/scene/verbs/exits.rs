//! Facts about the exits of the server and of a second instance.

use std::process::ExitStatus;

use nix::sys::signal::Signal;

use crate::check::{self, Finding};
use crate::scene::stage::Stage;
use crate::scene::value::Arguments;
use crate::scene::verb::{Run, Verb};
use crate::server::describe_exit;

pub const VERBS: &[Verb] = &[
    Verb::new("server runs", "The server has not exited.", Run::Stage(runs)),
    Verb::new("server exits", "The server exits, with any status.", Run::Stage(exits)).waits(),
    Verb::new("server exits with NUMBER", "The server exits with this status.", Run::Stage(exits_with))
        .waits(),
    Verb::new("server exits by SIGNAL", "This signal ends the server.", Run::Stage(exits_by)).waits(),
    Verb::new(
        "second server listens",
        "The second instance holds a socket that listens at its address.",
        Run::Stage(second_listens),
    )
    .waits(),
    Verb::new(
        "second server exits with NUMBER",
        "The second instance exits with this status.",
        Run::Stage(second_exits_with),
    )
    .waits(),
    Verb::new(
        "second server exits by SIGNAL",
        "This signal ends the second instance.",
        Run::Stage(second_exits_by),
    )
    .waits(),
    Verb::new(
        "second server fails",
        "The second instance exits with a status other than 0.",
        Run::Stage(second_fails),
    )
    .waits(),
];

fn runs(stage: &mut Stage<'_>, _: &Arguments) -> check::Result {
    match stage.server.instance()?.ended() {
        None => Ok(()),
        Some(status) => {
            Err(Finding::fail("a server that runs", format!("it has ended: {}", describe_exit(status))))
        }
    }
}

/// Waits until the server exits, and returns its status.
fn exit(stage: &mut Stage<'_>, step: &Arguments) -> check::Result<ExitStatus> {
    let limit = step.limit(stage.server.deadlines().exit());
    let status = stage.server.stopwatch().wait(limit, |left| stage.server.await_exit(left))?;
    status.ok_or_else(|| {
        let finding =
            Finding::timeout("a server that exits", format!("alive after {} s", limit.as_secs_f64()));
        let clients: Vec<&str> = stage.speakers.keys().map(String::as_str).collect();
        if clients.is_empty() {
            finding
        } else {
            finding.because(format!("still connected: {}", clients.join(", ")))
        }
    })
}

fn exits(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    exit(stage, step).map(drop)
}

fn exits_with(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let status = exit(stage, step)?;
    expect_code(status, step.number(0))
}

fn exits_by(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let status = exit(stage, step)?;
    expect_signal(status, step.signal(0))
}

pub(super) fn expect_signal(status: ExitStatus, signal: Signal) -> check::Result {
    use std::os::unix::process::ExitStatusExt;
    if status.signal() == Some(signal as i32) {
        return Ok(());
    }
    Err(Finding::fail(format!("an end by {signal}"), describe_exit(status)))
}

pub(super) fn expect_code(status: ExitStatus, code: usize) -> check::Result {
    if status.code().is_some_and(|actual| usize::try_from(actual) == Ok(code)) {
        return Ok(());
    }
    Err(Finding::fail(format!("exit status {code}"), describe_exit(status)))
}

fn second_listens(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    stage.await_fact(step.limit(stage.server.deadlines().start()), "a second server that listens", |stage| {
        if let Some(status) = stage.second()?.ended() {
            let printed = stage.second()?.output().last_lines(3).join("; ");
            return Err(Finding::fail("a second server that listens", describe_exit(status)).because(printed));
        }
        let listens = stage.second.as_ref().is_some_and(|second| stage.server.holds_listener(second));
        Ok((!listens).then(|| "it does not listen".into()))
    })
}

fn second_exit(stage: &mut Stage<'_>, step: &Arguments) -> check::Result<ExitStatus> {
    let limit = step.limit(stage.server.deadlines().start());
    let deadlines = stage.server.deadlines();
    let second = stage.second()?;
    let status = second.stopwatch(deadlines).wait(limit, |left| Ok(second.wait(left)))?;
    status.ok_or_else(|| {
        Finding::timeout("a second server that exits", format!("alive after {} s", limit.as_secs_f64()))
    })
}

fn second_exits_with(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let status = second_exit(stage, step)?;
    expect_code(status, step.number(0))
}

fn second_exits_by(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let status = second_exit(stage, step)?;
    expect_signal(status, step.signal(0))
}

fn second_fails(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let status = second_exit(stage, step)?;
    if status.success() {
        return Err(Finding::fail("a second server that fails", describe_exit(status)));
    }
    Ok(())
}

//! The steps of programs that run beside the server.

use std::process::ExitStatus;

use crate::check::{self, Finding, OrFinding};
use crate::scene::speaker::Speaker;
use crate::scene::stage::Stage;
use crate::scene::value::Arguments;
use crate::scene::verb::{Run, Verb};
use crate::scene::verbs::exits::{expect_code, expect_signal};
use crate::server::describe_exit;

pub const VERBS: &[Verb] = &[
    Verb::new(
        "PROGRAM starts",
        "The program is launched. It then sends and receives as a client does: `sends` writes to its standard input, \
         `receives` reads its standard output.",
        Run::Stage(start),
    ),
    Verb::new("PROGRAM gets SIGNAL", "The program gets this signal.", Run::Stage(signal)),
    Verb::new("PROGRAM runs", "The program has not exited.", Run::Stage(runs)),
    Verb::new("PROGRAM exits", "The program exits, with any status.", Run::Stage(exits)).waits(),
    Verb::new("PROGRAM exits with NUMBER", "The program exits with this status.", Run::Stage(exits_with))
        .waits(),
    Verb::new("PROGRAM exits by SIGNAL", "This signal ends the program.", Run::Stage(exits_by)).waits(),
    Verb::new("PROGRAM fails", "The program exits with a status other than 0.", Run::Stage(fails)).waits(),
    Verb::new(
        "PROGRAM prints TEXT",
        "A line on the standard error of the program contains the text.",
        Run::Stage(prints),
    )
    .waits(),
];

fn start(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let deadlines = stage.server.deadlines();
    let known = stage.known.clone();
    let client = stage.program(step.name(0))?.start(&known, deadlines)?;
    stage.add(step.name(0), Speaker::new(client));
    Ok(())
}

fn signal(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let process = stage.program(step.name(0))?.process()?;
    process.signal(step.signal(1)).or_broken("a signal sent")
}

fn runs(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    match stage.program(step.name(0))?.process()?.ended() {
        None => Ok(()),
        Some(status) => {
            Err(Finding::fail("a program that runs", format!("it has ended: {}", describe_exit(status))))
        }
    }
}

/// Waits until the program exits, and returns its status.
fn exit(stage: &mut Stage<'_>, step: &Arguments) -> check::Result<ExitStatus> {
    let deadlines = stage.server.deadlines();
    let limit = step.limit(deadlines.exit());
    let process = stage.program(step.name(0))?.process()?;
    let status = process.stopwatch(deadlines).wait(limit, |left| Ok(process.wait(left)))?;
    status.ok_or_else(|| {
        Finding::timeout("a program that exits", format!("alive after {} s", limit.as_secs_f64()))
    })
}

fn exits(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    exit(stage, step).map(drop)
}

fn exits_with(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let status = exit(stage, step)?;
    expect_code(status, step.number(1))
}

fn exits_by(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let status = exit(stage, step)?;
    expect_signal(status, step.signal(1))
}

fn fails(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let status = exit(stage, step)?;
    if status.success() {
        return Err(Finding::fail("a program that fails", describe_exit(status)));
    }
    Ok(())
}

fn prints(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let (name, wanted) = (step.name(0).to_owned(), step.text(1));
    let limit = step.limit(stage.server.deadlines().no_progress());
    stage.await_fact(limit, format!("a line with \"{wanted}\""), |stage| {
        let output = stage.program(&name)?.process()?.output();
        let last = output.last_lines(1).concat();
        Ok((!output.text().contains(&wanted)).then(|| format!("the last line is \"{last}\"")))
    })
}

//! The steps of peers: servers that the scene plays, for a proxy or a client under test.

use crate::check::{self, Finding};
use crate::scene::speaker::Speaker;
use crate::scene::stage::Stage;
use crate::scene::value::Arguments;
use crate::scene::verb::{Run, Verb};

pub const VERBS: &[Verb] = &[
    Verb::new(
        "PEER accepts NEW",
        "The peer accepts a connection. Its end then sends and receives as a client does.",
        Run::Stage(accept),
    )
    .waits(),
    Verb::new("PEER refuses connections", "The peer closes its listening socket.", Run::Stage(refuse)),
];

fn accept(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let deadlines = stage.server.deadlines();
    let limit = step.limit(deadlines.no_progress());
    let watch = stage.server.stopwatch();
    let peer = stage.peer(step.name(0))?;
    let client = watch.wait(limit, |left| peer.accept(left, deadlines))?;
    let none = || {
        let wanted = format!("a connection to {}", peer.address());
        Finding::timeout(wanted, format!("none within {} s", limit.as_secs_f64()))
    };
    let client = client.ok_or_else(none)?.with_processes(stage.server.process_lister());
    stage.add(step.name(1), Speaker::new(client));
    Ok(())
}

fn refuse(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    stage.peer(step.name(0))?.refuse();
    Ok(())
}

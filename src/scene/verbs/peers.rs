//! The steps of peers: servers that the scene plays, for a proxy or a client under test.

use crate::check;
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
    let client = stage.peer(step.name(0))?.accept(step.limit(deadlines.no_progress()), deadlines)?;
    stage.add(step.name(1), Speaker::new(client));
    Ok(())
}

fn refuse(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    stage.peer(step.name(0))?.refuse();
    Ok(())
}

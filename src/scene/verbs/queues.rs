//! Facts about the queues of the kernel between clients and server, which the scene waits for.

use crate::check::{self, OrFinding};
use crate::scene::stage::Stage;
use crate::scene::value::Arguments;
use crate::scene::verb::{Run, Verb};
use crate::sys::{self, TcpQueues};
use crate::text::count_with_noun;
use crate::transport::Capabilities;

pub const VERBS: &[Verb] = &[
    Verb::new(
        "server has NUMBER connections in its accept queue",
        "The kernel holds this number of connections that the server has not accepted: listen(2).",
        Run::Stage(waiting_connections),
    )
    .needs(Capabilities::TCP)
    .waits(),
    Verb::new(
        "server has SIZE of CLIENT unread",
        "The kernel has received this number of bytes from the client that the server has not read.",
        Run::Stage(unread_bytes),
    )
    .needs(Capabilities::TCP)
    .waits(),
    Verb::new(
        "server has bytes for CLIENT in its send queue",
        "The server has written bytes that the client's kernel has not acknowledged, for instance because the client reads \
         nothing.",
        Run::Stage(unacknowledged_bytes),
    )
    .needs(Capabilities::TCP)
    .waits(),
];

fn waiting_connections(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let wanted = step.number(0);
    let address = stage.server.address().expect_inet().or_broken("a port")?;
    let text = format!("{} in the accept queue", count_with_noun(wanted, "connection"));
    stage.await_fact(step.limit(stage.usual_limit()), text, |_| {
        let queue = sys::accept_queue(address).or_unsupported("the accept queue")?;
        let Some(queue) = queue else { return Ok(Some("the server does not listen".into())) };
        Ok((queue.waiting != wanted).then(|| count_with_noun(queue.waiting, "connection")))
    })
}

/// Waits until `is_met` for the queues at the server's end of each client of the step. It returns the state that is met
/// instead, if the wanted one is not.
fn await_queues(
    stage: &mut Stage<'_>,
    step: &Arguments,
    (place, wanted): (usize, String),
    is_met: impl Fn(TcpQueues) -> Option<String>,
) -> check::Result {
    let name = step.name(place);
    stage.await_fact(step.limit(stage.usual_limit()), wanted, |stage| {
        for speaker in stage.speakers.get(name).into_iter().flatten() {
            let Some(queues) = speaker.client.queues_at_server()? else {
                return Ok(Some("the server's end of the connection is gone".into()));
            };
            if let Some(actual) = is_met(queues) {
                return Ok(Some(actual));
            }
        }
        Ok(None)
    })
}

fn unread_bytes(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let size = step.size(0);
    let wanted = format!("{} of {} unread", count_with_noun(size, "byte"), step.name(1));
    await_queues(stage, step, (1, wanted), |queues| {
        (queues.unread != size).then(|| format!("{} unread", count_with_noun(queues.unread, "byte")))
    })
}

fn unacknowledged_bytes(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let wanted = format!("bytes for {} in the send queue", step.name(0));
    await_queues(stage, step, (0, wanted), |queues| {
        (queues.unacknowledged == 0).then(|| "the send queue is empty".into())
    })
}

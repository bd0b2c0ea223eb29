//! Facts about the descriptors and the connections of the server, which the scene waits for.

use crate::check::{self, Finding, OrFinding};
use crate::outcome::Outcome;
use crate::scene::stage::{Mark, Stage};
use crate::scene::value::Arguments;
use crate::scene::verb::{Run, Verb};
use crate::sys::{self, Descriptor, Object, SocketName, TcpState};
use crate::text::count_with_noun;
use crate::transport::{Address, Capabilities};

pub const VERBS: &[Verb] = &[
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
        "server has a connection in STATE",
        "The kernel has a connection of the server's port in this state.",
        Run::Stage(connection_in),
    )
    .needs(Capabilities::TCP)
    .waits(),
    Verb::new(
        "server has no connection in STATE",
        "The kernel has no connection of the server's port in this state.",
        Run::Stage(no_connection_in),
    )
    .needs(Capabilities::TCP)
    .waits(),
    Verb::new(
        "server holds no connection",
        "No process of the server has a descriptor of a connection to a client.",
        Run::Stage(holds_no_connection),
    )
    .needs(Capabilities::MANY_CLIENTS.union(Capabilities::CONNECTIONS))
    .waits(),
];

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
    stage.await_fact(step.limit(stage.usual_limit()), text, |stage| {
        let now = descriptors(stage)?;
        Ok((now.len() != wanted).then(|| {
            let count = count_with_noun(now.len(), "descriptor");
            if before.is_empty() { count } else { format!("{count}{}", difference(before, &now)) }
        }))
    })
}

/// Describes the descriptors that are new since `before`, and the ones that are gone. Empty if there are none.
fn difference(before: &[Descriptor], now: &[Descriptor]) -> String {
    let missing = |from: &[Descriptor], other: &[Descriptor]| -> Vec<String> {
        let is_missing =
            |one: &&Descriptor| !other.iter().any(|it| it.number == one.number && it.object == one.object);
        from.iter().filter(is_missing).map(|one| format!("{} {}", one.number, one.object)).collect()
    };
    let name = |word: &str, list: Vec<String>| {
        if list.is_empty() { String::new() } else { format!("; {word} since the mark: {}", shorten(list)) }
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

/// Counts the connections of the server's port in `state`.
fn connections_in(stage: &Stage<'_>, state: TcpState) -> check::Result<usize> {
    let address = stage.server.address().expect_inet().or_broken("a port")?;
    let sockets = sys::tcp_sockets(address.port()).or_unsupported("the states of connections")?;
    Ok(sockets.iter().filter(|(.., it)| *it == state).count())
}

fn connection_in(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let state = step.state(0);
    let wanted = format!("a connection in {state}");
    let result = stage.await_fact(step.limit(stage.usual_limit()), wanted, |stage| {
        Ok((connections_in(stage, state)? == 0).then(|| "there is none".into()))
    });
    match result {
        // The kernel does this, not the server: which side keeps the connection depends on who closed first.
        Err(finding) if state == TcpState::TimeWait && finding.outcome == Outcome::Fail => {
            Err(Finding { outcome: Outcome::Broken, ..finding })
        }
        result => result,
    }
}

fn no_connection_in(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let state = step.state(0);
    stage.await_fact(step.limit(stage.usual_limit()), format!("no connection in {state}"), |stage| {
        let number = connections_in(stage, state)?;
        Ok((number > 0).then(|| count_with_noun(number, "connection")))
    })
}

fn holds_no_connection(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    stage.await_fact(step.limit(stage.usual_limit()), "no descriptor of a connection", |stage| {
        let mut held = Vec::new();
        for process in stage.server.processes()? {
            let descriptors = stage.server.descriptors(process.pid)?;
            let connections = descriptors.into_iter().filter(|it| is_connection(&it.object, stage));
            held.extend(connections.map(|it| format!("{} {}", it.number, it.object)));
        }
        Ok((!held.is_empty()).then(|| shorten(held)))
    })
}

/// Whether a descriptor of `object` is a connection that was made to the server's address.
fn is_connection(object: &Object, stage: &Stage<'_>) -> bool {
    let Object::Socket(socket) = object else { return false };
    match (&socket.name, stage.server.address()) {
        (SocketName::Tcp(local, _), Address::Inet(inet)) => !socket.listening && local.port() == inet.port(),
        (SocketName::Unix(Some(path)), Address::Path(own)) => !socket.listening && path == own,
        _ => false,
    }
}

/// Joins the names of descriptors. The last of a long list are left out.
fn shorten(mut list: Vec<String>) -> String {
    /// The maximum number of descriptors that are named.
    const SHOWN: usize = 6;
    let more = list.len().saturating_sub(SHOWN);
    list.truncate(SHOWN);
    if more > 0 {
        list.push(format!("{more} more"));
    }
    list.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

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

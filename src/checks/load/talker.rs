//! Checks clients beside one that talks without pause.

use std::time::Duration;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::deadline::Countdown;
use crate::outcome::{Level::Should, Outcome};
use crate::payload::MIB;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "load/talker-starves-none",
    level: Should,
    sentence: "while one client sends without pause, other clients are answered",
    why: "a server that stays with a client for as long as it has something to read never comes to the others",
    citations: &["epoll(7) (Starvation)", "poll(2)"],
    recipe: "A sends a message, reads the answer, and so on without pause; meanwhile B, which was connected before, exchanges a message, and then C, which connects now; do the same while A sends a stream without waiting for answers, and reads them (not for servers that serve one client at a time); for a server of one thread count A's bytes until the others are answered: at most 8 MiB",
    requires: Capabilities::STAYS_OPEN
        .union(Capabilities::STREAM)
        .union(Capabilities::CONNECTIONS)
        .union(Capabilities::CONCURRENT_CLIENTS)
        .union(Capabilities::MANY_CLIENTS),
    run,
};

/// A way in which a client sends requests without pause.
struct Manner {
    /// Lets the client that sends without pause take one turn.
    turn: fn(&mut Client) -> check::Result,
    /// The number of bytes that a server of one thread may send to a client that asks without pause before it answers
    /// another client.
    most: usize,
    /// Whether the client that asks without pause sends as much as it can while the server is stopped, so that the
    /// server begins with a full queue.
    begins_stopped: bool,
    description: &'static str,
}

const DIALOGUE: Manner = Manner {
    turn: Client::take_turn,
    most: MIB,
    begins_stopped: false,
    description: "another client sends a message as soon as the last one is answered",
};

const STREAM: Manner = Manner {
    turn: Client::stream_some,
    most: 8 * MIB,
    begins_stopped: true,
    description: "another client sends without waiting for answers, and reads them",
};

fn run(server: &mut Server) -> check::Result {
    let first = server.connect_and_exchange()?;
    if !server.serves_concurrently()? {
        return Ok(()); // The server serves one client at a time, so all others wait by design.
    }
    drop(first);
    beside(server, &DIALOGUE)?;
    if server.spec().capabilities().contains(Capabilities::FILLABLE) {
        beside(server, &STREAM)?;
    }
    Ok(())
}

/// Fails unless other clients are served while one sends without pause.
fn beside(server: &mut Server, manner: &Manner) -> check::Result {
    let mut other = server.connect_and_exchange()?;
    let mut talker = server.connect_and_exchange()?;
    for _ in 0..WARM_UP {
        (manner.turn)(&mut talker).map_err(not_talking)?;
    }
    exchange_beside(server, &mut other, &mut talker, manner)?;
    // A server of two workers has one for the talker and one for the others.
    other.finish()?;
    drop(other);
    let mut late = server.connect()?;
    exchange_beside(server, &mut late, &mut talker, manner)?;
    talker.stop_talking();
    late.finish()
}

/// The number of turns of a client that sends without pause before other clients ask for something.
const WARM_UP: usize = 16;

const QUESTION: &[u8] = b"may I?";

/// Lets the client `other` exchange a message while the client `talker` sends without pause. One thread does both: it
/// looks for the answer after each turn, so the count of the talker's bytes is right on a busy machine too.
fn exchange_beside(
    server: &mut Server,
    other: &mut Client,
    talker: &mut Client,
    manner: &Manner,
) -> check::Result {
    // Several threads may have to wait for a processor, so that only time counts.
    let most =
        if server.process_stats().is_ok_and(|stats| stats.threads == 1) { manner.most } else { usize::MAX };
    if manner.begins_stopped {
        // A stopped server answers no opening.
        other.complete_opening()?;
        server.freeze_if_launched()?;
        let sent = talker.fill_window().and_then(|()| other.send(QUESTION));
        let sent = sent.and_then(|()| other.await_delivery());
        server.thaw()?;
        sent?;
    } else {
        other.send(QUESTION)?;
        other.await_delivery()?;
    }
    let (before, mut countdown) = (talker.received(), Countdown::new(server.deadlines().no_progress()));
    while !other.readable_within(Duration::ZERO)? {
        let taken = talker.received() - before;
        let left = countdown.left();
        if left.is_zero() || taken > most {
            let waited = server.deadlines().no_progress().saturating_sub(left).as_secs_f64();
            let actual = format!(
                "none for {waited:.1} s, in which the talker was sent {}",
                count_with_noun(taken, "byte")
            );
            return Err(Finding::fail("an answer to a client beside one that talks", actual)
                .because(manner.description));
        }
        (manner.turn)(talker).map_err(not_talking)?;
    }
    other.expect(QUESTION)
}

/// Turns the end of a connection into a finding that the server does not let a client talk without pause: for
/// example, it closes after a number of requests.
fn not_talking(ended: Finding) -> Finding {
    match ended.outcome {
        Outcome::Fail => Finding::unsupported("a client that talks without pause", ended.actual),
        _ => ended,
    }
}

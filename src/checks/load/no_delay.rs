//! Checks that Nagle's algorithm and delayed acknowledgements do not slow down answers.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use crate::check::{self, Finding, OrFinding};
use crate::checks::{Check, steps};
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::sys;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "load/no-delay",
    level: Should,
    sentence: "the answer to a small message does not wait for an acknowledgement",
    why: "without TCP_NODELAY, an answer written in two pieces waits about 40 ms for the acknowledgement of the first (Nagle's algorithm), every time",
    citations: &["RFC 9293 §3.7.4", "RFC 9293 §3.8.6.3", "tcp(7) (TCP_NODELAY, TCP_QUICKACK)"],
    recipe: "measure 30 round trips of 100 bytes on one connection, after 16 that do not count (a new connection is acknowledged at once); if their median is above 25 ms, measure 16 more with TCP_QUICKACK set; if that median is below 10 ms, the server waited for the acknowledgement",
    requires: Capabilities::STAYS_OPEN.union(Capabilities::TCP).union(Capabilities::STREAM),
    run,
};

const SLOW: Duration = Duration::from_millis(25);
const FAST: Duration = Duration::from_millis(10);

fn run(server: &mut Server) -> check::Result {
    steps::require_replies(server)?;
    let message = server.payload(100);
    let mut client = server.connect()?;
    (0..16).try_for_each(|_| client.exchange(&message))?;
    let median_time = median(30, || client.exchange(&message))?;
    if median_time < SLOW {
        return Ok(());
    }
    let milliseconds = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    let wanted = format!("{} at most for the answer to a small message", milliseconds(SLOW));
    let finding = Finding::fail(wanted, format!("{} (median)", milliseconds(median_time)));
    match median(16, || exchange_acknowledging(&mut client, &message)) {
        Err(unsupported) if unsupported.outcome == crate::outcome::Outcome::Unsupported => Err(finding),
        Err(error) => Err(error),
        Ok(acknowledged) if acknowledged < FAST => Err(finding.because(format!(
            "{} where the client acknowledges at once: Nagle's algorithm waits for that",
            milliseconds(acknowledged)
        ))),
        Ok(_) => Ok(()), // The machine or the server is slow, for another reason than acknowledgements.
    }
}

fn exchange_acknowledging(client: &mut Client, message: &[u8]) -> check::Result {
    client.send(message)?;
    if let Some(socket) = client.link().as_socket() {
        sys::enable_quick_ack(socket.as_fd()).or_unsupported("TCP_QUICKACK")?;
    }
    client.expect(message)
}

fn median(times: usize, mut exchange: impl FnMut() -> check::Result) -> check::Result<Duration> {
    let mut taken = Vec::with_capacity(times);
    for _ in 0..times {
        let began = Instant::now();
        exchange()?;
        taken.push(began.elapsed());
    }
    taken.sort();
    Ok(taken[times / 2])
}

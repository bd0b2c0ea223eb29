//! Nagle's algorithm, and the delayed acknowledgement that it waits for.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::sys;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "load/no-delay",
    level: Should,
    says: "the answer to a small message is not held back until an acknowledgement has come",
    why: "an answer written in two pieces without TCP_NODELAY waits some 40 ms for the acknowledgement of the first (Nagle's algorithm), each time",
    cites: &["RFC 9293 §3.7.4", "RFC 9293 §3.8.6.3", "tcp(7) (TCP_NODELAY, TCP_QUICKACK)"],
    recipe: "46 round trips of 100 bytes on one connection, the first 16 uncounted (a new connection is acknowledged at once); the median, and where it is above 25 ms that of 16 more with TCP_QUICKACK set: below 10 ms it was the wait for the acknowledgement",
    needs: Capabilities::TCP.union(Capabilities::STREAM),
    run,
};

const SLOW: Duration = Duration::from_millis(25);
const FAST: Duration = Duration::from_millis(10);

fn run(server: &mut Server) -> check::Result {
    let message = server.payload(100);
    let mut client = server.connect()?;
    (0..16).try_for_each(|_| client.exchange(&message))?;
    let usual = median(30, || client.exchange(&message))?;
    if usual < SLOW {
        return Ok(());
    }
    let milliseconds = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    let wanted = format!("{} at most for the answer to a small message", milliseconds(SLOW));
    let finding = Finding::fail(wanted, format!("{} as a rule", milliseconds(usual)));
    match median(16, || exchange_acknowledging(&mut client, &message)) {
        Err(untold) if untold.outcome == crate::outcome::Outcome::Unsupported => Err(finding),
        Err(lost) => Err(lost),
        Ok(hurried) if hurried < FAST => Err(finding.because(format!(
            "{} where the client acknowledges at once: Nagle's algorithm waits for that",
            milliseconds(hurried)
        ))),
        Ok(_) => Ok(()), // A slow machine, or a slow server: acknowledgements have nothing to do with it.
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

//! Checks that answers are sent at once: Nagle's algorithm, TCP_CORK, timers.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use crate::check::{self, Finding, OrFinding};
use crate::checks::{Check, steps};
use crate::outcome::{Level::Should, Outcome};
use crate::server::{CpuUse, Server};
use crate::sys;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "load/no-delay",
    level: Should,
    sentence: "the answer to a small message does not wait for an acknowledgement or a timer",
    why: "each request of each client takes longer by a timer of the kernel: 40 ms if an answer in two pieces waits for an acknowledgement (Nagle's algorithm), 200 ms if the server leaves TCP_CORK set",
    citations: &["RFC 9293 §3.7.4", "RFC 9293 §3.8.6.3", "tcp(7) (TCP_NODELAY, TCP_QUICKACK, TCP_CORK)"],
    recipe: "measure 30 round trips of 100 bytes on one connection, after 16 that do not count (a new connection is acknowledged at once), or 5 after 2 if each takes 100 ms; a median above 100 ms in which the server neither runs nor waits for a processor is a wait; if the lower quartile is above 25 ms, measure 16 more with TCP_QUICKACK set, and then without it again, up to 3 times: below 10 ms and above 25 ms, the server waited for the acknowledgement",
    requires: Capabilities::STAYS_OPEN.union(Capabilities::TCP).union(Capabilities::STREAM),
    run,
};

const SLOW: Duration = Duration::from_millis(25);
const FAST: Duration = Duration::from_millis(10);

/// The median from which an answer waits for something, if the server uses almost no processor time meanwhile.
const WAIT: Duration = Duration::from_millis(100);

/// The time of the fastest of these answers. On a busy machine some answers take long, but not all.
const FASTEST_WAIT: Duration = Duration::from_millis(50);

/// The time in which an answer that does not wait reaches the client.
const SOON: Duration = Duration::from_millis(50);

fn run(server: &mut Server) -> check::Result {
    steps::require_replies(server)?;
    let message = server.payload(100);
    let mut client = server.connect()?;
    let first = times(server, &mut client, 2, |client| exchange(client, &message))?;
    if first[0] >= WAIT {
        // On a busy machine both answers may have been late for want of a processor.
        judge_wait(server, &mut client, &message)?;
    }
    let usual = quartile(&after_first(server, &mut client, &message, 30)?);
    if usual < SLOW {
        return Ok(());
    }
    for _ in 0..ROUNDS {
        let acknowledged = match times(server, &mut client, 16, |client| {
            exchange_acknowledging(client, &message)
        }) {
            Err(unsupported) if unsupported.outcome == Outcome::Unsupported => return Err(too_late(usual)),
            taken => quartile(&taken?),
        };
        // A busy machine may have become less busy, so the same must be seen again.
        if quartile(&after_first(server, &mut client, &message, 8)?) < SLOW {
            return Ok(());
        }
        if acknowledged < FAST {
            return Err(too_late(usual).because(format!(
                "{} where the client acknowledges at once: Nagle's algorithm waits for that",
                milliseconds(acknowledged)
            )));
        }
    }
    judge_wait(server, &mut client, &message)
}

/// The number of times that answers are measured with immediate acknowledgements: a busy machine may delay them too.
const ROUNDS: usize = 3;

/// The number of exchanges of a connection that the kernel may acknowledge at once.
const QUICK: usize = 16;

/// Measures `number` exchanges, sorted, after some that do not count.
fn after_first(
    server: &mut Server,
    client: &mut Client,
    message: &[u8],
    number: usize,
) -> check::Result<Vec<Duration>> {
    times(server, client, QUICK, |client| exchange(client, message))?;
    times(server, client, number, |client| exchange(client, message))
}

/// Judges a server whose answers come late for another reason than acknowledgements: a wait, or much work.
fn judge_wait(server: &mut Server, client: &mut Client, message: &[u8]) -> check::Result {
    let window = server.begin_cpu_window()?;
    let (began, mut stopwatch) = (server.cpu_time()?, server.stopwatch());
    let taken = times(server, client, ANSWERS, |client| exchange(client, message))?;
    let (used, cpu_use) = (server.cpu_time()?.saturating_sub(began), server.cpu_use_since(&window)?);
    let waited = stopwatch.elapsed().saturating_sub(used) / ANSWERS as u32;
    if median(&taken) < WAIT || taken[0] < FASTEST_WAIT || waited < FASTEST_WAIT {
        return Ok(());
    }
    let Some(cause) = cause_of_wait(server, client, message, cpu_use)? else {
        let reason = "this machine is so busy that no answer was seen to wait";
        return Err(Finding::unsupported("", "").because(reason));
    };
    Err(too_late(median(&taken)).because(cause))
}

/// The number of late answers that are measured.
const ANSWERS: usize = 5;

/// The number of answers that are awaited until one shows where it is held.
const TRIES: usize = 30;

/// Sends `message` again until an answer is late, and finds out where it is. Returns `None` if each answer has arrived
/// once the server has reacted.
fn cause_of_wait(
    server: &mut Server,
    client: &mut Client,
    message: &[u8],
    cpu_use: CpuUse,
) -> check::Result<Option<String>> {
    let cause = || format!("the server waits before it writes the answer; meanwhile it uses {cpu_use}");
    for _ in 0..TRIES {
        reconnect_if_closing(server, client)?;
        client.send(message)?;
        // Then the server has written the answer, or waits for something.
        server.await_reaction()?;
        let early = client.readable_within(SOON)?;
        let held = client.unread().ok().and_then(|unread| unread.unacknowledged).unwrap_or_default();
        // On a busy machine the answer may have arrived meanwhile.
        let arrived = early || client.readable_within(Duration::ZERO)?;
        client.expect(message)?;
        if !arrived && held > 0 {
            return Ok(Some(format!(
                "the server has written the answer ({held} bytes of it are in its send queue), and the kernel holds \
                 it back: TCP_CORK, TCP_NOPUSH or MSG_MORE is set and never cleared"
            )));
        }
        if !arrived {
            return Ok(Some(cause()));
        }
    }
    // Where the system does not show threads, the wait for a reaction is longer than that of most such servers.
    Ok(sys::all_threads_blocked(Pid::this()).is_none().then(cause))
}

fn too_late(time: Duration) -> Finding {
    let wanted = format!("{} at most for the answer to a small message", milliseconds(SLOW));
    Finding::fail(wanted, milliseconds(time))
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn exchange(client: &mut Client, message: &[u8]) -> check::Result {
    if client.exchange_unless_idle(message)? {
        return Ok(());
    }
    let reason =
        "on this busy machine the client sent nothing for so long that the server closed the connection";
    Err(Finding::unsupported("", "").because(reason))
}

/// Connects again if the server has announced that it closes the connection. A server of HTTP may limit the number of
/// requests on a connection.
fn reconnect_if_closing(server: &mut Server, client: &mut Client) -> check::Result {
    if client.must_reconnect() {
        *client = server.connect()?;
    }
    Ok(())
}

fn exchange_acknowledging(client: &mut Client, message: &[u8]) -> check::Result {
    client.send(message)?;
    if let Some(socket) = client.link().as_socket() {
        sys::enable_quick_ack(socket.as_fd()).or_unsupported("TCP_QUICKACK")?;
    }
    client.expect(message)
}

/// Returns the times of `number` exchanges, the shortest first.
fn times(
    server: &mut Server,
    client: &mut Client,
    number: usize,
    mut exchange: impl FnMut(&mut Client) -> check::Result,
) -> check::Result<Vec<Duration>> {
    let mut taken = Vec::with_capacity(number);
    for _ in 0..number {
        reconnect_if_closing(server, client)?;
        let began = Instant::now();
        exchange(client)?;
        taken.push(began.elapsed());
    }
    taken.sort();
    Ok(taken)
}

/// The lower quartile. On a busy machine some answers are late, and others are not.
fn quartile(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 4]
}

fn median(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 2]
}

//! Checks that answers are sent at once: Nagle's algorithm, TCP_CORK, timers.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

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
    recipe: "measure 30 round trips of 100 bytes on one connection, after 16 that do not count (a new connection is acknowledged at once), or 5 after 2 if each takes 100 ms; a median above 100 ms in which the server uses almost no processor time is a wait; if the median is above 25 ms, measure 16 more with TCP_QUICKACK set: below 10 ms, the server waited for the acknowledgement",
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
    let first = times(2, || client.exchange(&message))?;
    if first[0] >= WAIT {
        return judge_wait(server, &mut client, &message);
    }
    (2..16).try_for_each(|_| client.exchange(&message))?;
    let median_time = median(&times(30, || client.exchange(&message))?);
    if median_time < SLOW {
        return Ok(());
    }
    let finding = too_late(median_time);
    match times(16, || exchange_acknowledging(&mut client, &message)) {
        Err(unsupported) if unsupported.outcome == Outcome::Unsupported => Err(finding),
        Err(error) => Err(error),
        Ok(acknowledged) if median(&acknowledged) < FAST => Err(finding.because(format!(
            "{} where the client acknowledges at once: Nagle's algorithm waits for that",
            milliseconds(median(&acknowledged))
        ))),
        Ok(_) => judge_wait(server, &mut client, &message),
    }
}

/// Judges a server whose answers come late for another reason than acknowledgements: a wait, or much work, or a busy
/// machine.
fn judge_wait(server: &mut Server, client: &mut Client, message: &[u8]) -> check::Result {
    let window = server.begin_cpu_window();
    let taken = times(5, || client.exchange(message))?;
    let waited = median(&taken) >= WAIT && taken[0] >= FASTEST_WAIT;
    let cpu_use = window.and_then(|window| server.cpu_use_since(&window))?;
    if !waited || !cpu_use.is_mostly_idle() {
        return Ok(());
    }
    Err(too_late(median(&taken)).because(cause_of_wait(client, message, cpu_use)?))
}

/// Sends `message` once more, and looks for its answer before it arrives.
fn cause_of_wait(client: &mut Client, message: &[u8], cpu_use: CpuUse) -> check::Result<String> {
    client.send(message)?;
    let arrived = client.readable_within(SOON)?;
    let held = client.unread().ok().filter(|_| !arrived).and_then(|unread| unread.unacknowledged);
    client.expect(message)?;
    Ok(match held {
        Some(bytes) if bytes > 0 => format!(
            "the server has written the answer ({bytes} bytes of it are in its send queue), and the kernel holds it \
             back: TCP_CORK, TCP_NOPUSH or MSG_MORE is set and never cleared"
        ),
        _ => format!("the server waits before it writes the answer; meanwhile it uses {cpu_use}"),
    })
}

fn too_late(median: Duration) -> Finding {
    let wanted = format!("{} at most for the answer to a small message", milliseconds(SLOW));
    Finding::fail(wanted, format!("{} (median)", milliseconds(median)))
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn exchange_acknowledging(client: &mut Client, message: &[u8]) -> check::Result {
    client.send(message)?;
    if let Some(socket) = client.link().as_socket() {
        sys::enable_quick_ack(socket.as_fd()).or_unsupported("TCP_QUICKACK")?;
    }
    client.expect(message)
}

/// Returns the times of `number` exchanges, the shortest first.
fn times(number: usize, mut exchange: impl FnMut() -> check::Result) -> check::Result<Vec<Duration>> {
    let mut taken = Vec::with_capacity(number);
    for _ in 0..number {
        let began = Instant::now();
        exchange()?;
        taken.push(began.elapsed());
    }
    taken.sort();
    Ok(taken)
}

fn median(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 2]
}

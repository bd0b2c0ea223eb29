//! Checks that a server which reloads its configuration keeps serving.

use std::fmt;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "life/survives-reload",
    level: Should,
    sentence: "a server that reloads its configuration at a signal answers its clients before, during and after that, and keeps no descriptor or process for each reload",
    why: "a service is reloaded, and not restarted, so that no client notices; a server that closes its listener meanwhile refuses the clients of that moment, and one that keeps its old log files or workers reaches a limit",
    citations: &[
        "daemon(7) (SIGHUP)",
        "systemd.service(5) (ExecReload=)",
        "listen(2)",
        "getrlimit(2) (RLIMIT_NOFILE)",
    ],
    recipe: "a client sends half of a request (over echo it exchanges a message); stop the server (SIGSTOP); up to 8 clients connect, and each sends a request unless the server speaks first; send the reload signal, and continue the server; compare all replies; serve more clients until the server's processes stay the same; complete the first request; count descriptors and processes after 3 reloads, and after 6 more; if there are 3 more or above, count again after 6 more; the check fails if they grow by 3 again",
    requires: Capabilities::RELOADS.union(Capabilities::CONNECTIONS).union(Capabilities::MANY_CLIENTS),
    run,
};

/// The number of clients that connect while the server is stopped, to be served during its reload.
const WAITING: usize = 8;

/// The number of times that the server reloads before its resources are counted first.
const FIRST: usize = 3;

/// The number of times that the server reloads between two counts of its resources.
const MORE: usize = 6;

/// The least number of additional descriptors or processes between two counts that is a leak. It is less than
/// the number of reloads, because the kernel may deliver two signals as one.
const LEAK: usize = MORE / 2;

fn run(server: &mut Server) -> check::Result {
    let signal = server.spec().setup().reload;
    let signal = signal.ok_or_else(|| Finding::unsupported("a reload", "no signal is named"))?;
    serve_through(server, signal)
        .map_err(|finding| finding.because(format!("during a reload at {signal}")))?;
    (1..FIRST).try_for_each(|_| reload(server, signal))?;
    expect_no_growth(server, signal)
}

/// Reloads the server while one client waits for its reply, and others wait to be accepted.
fn serve_through(server: &mut Server, signal: Signal) -> check::Result {
    let mut early = server.connect_ready()?;
    if !server.spec().protocol().replies_equal_requests() {
        early.begin_request(b"early")?;
    }
    let concurrent = server.serves_concurrently()?;
    server.freeze()?;
    let waiting = connect_waiting(server, if concurrent { WAITING } else { 0 });
    send(server, signal)?;
    server.thaw()?;
    for mut client in waiting? {
        let reply = if client.sent { client.client.expect(CONTENT) } else { client.client.exchange(CONTENT) };
        reply.map_err(|finding| {
            finding
                .because("a client that waited to be accepted, while another one's request was not complete")
        })?;
    }
    if concurrent {
        serve_until_settled(server)?;
    }
    let reply = early.complete_request(b"late");
    reply.map_err(|finding| finding.because("a client whose request was not complete"))?;
    drop(early);
    serve_until_settled(server)
}

const CONTENT: &[u8] = b"waiting";

/// A client that has connected while the server was stopped.
struct Waiting {
    client: Client,
    /// Whether the client that connected to the stopped server has sent its request.
    sent: bool,
}

/// Connects at most `most` clients to a stopped server: as many as its listen queue holds.
fn connect_waiting(server: &mut Server, most: usize) -> check::Result<Vec<Waiting>> {
    let sent = !server.spec().protocol().receives_before_requests();
    let mut waiting = Vec::new();
    while waiting.len() < most {
        let Some(mut client) = server.connect_within(server.deadlines().reply())? else { break };
        if sent {
            client.send(CONTENT)?;
        }
        waiting.push(Waiting { client, sent });
    }
    Ok(waiting)
}

fn send(server: &mut Server, signal: Signal) -> check::Result {
    server.instance()?.signal(signal).or_broken(format!("{signal} sent"))
}

fn reload(server: &mut Server, signal: Signal) -> check::Result {
    send(server, signal)?;
    serve_until_settled(server).map_err(|finding| finding.because(format!("after a reload at {signal}")))
}

/// The number of consecutive looks at a server's processes that must find the same ones.
const SAME: usize = 8;

/// Serves clients, one after another, until the processes of the server stay the same.
fn serve_until_settled(server: &mut Server) -> check::Result {
    let (mut last, mut same) = (Vec::new(), 0);
    until(server.deadlines().exit(), || {
        drop(server.connect_and_exchange()?);
        // A server may have had a process for that client alone.
        server.await_reaction()?;
        let now: Vec<Pid> = server.processes()?.iter().map(|process| process.pid).collect();
        same = if now == last { same + 1 } else { 0 };
        last = now;
        Ok((same >= SAME).then_some(()))
    })
    .map(drop)
}

/// The resources of a server that a reload can leak: descriptors and processes.
#[derive(Clone, Copy)]
struct Held {
    descriptors: usize,
    processes: usize,
}

impl Held {
    fn by(server: &Server) -> check::Result<Held> {
        let processes = server.processes()?;
        let counts = processes.iter().map(|process| server.descriptor_count(process.pid));
        // A process may have exited after it was listed.
        let descriptors = counts.map(|count| count.unwrap_or(0)).sum();
        Ok(Held { descriptors, processes: processes.len() })
    }

    fn has_grown_since(self, before: Held) -> bool {
        self.descriptors >= before.descriptors + LEAK || self.processes >= before.processes + LEAK
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", count_with_noun(self.descriptors, "descriptor"), process_count(self.processes))
    }
}

fn process_count(number: usize) -> String {
    if number == 1 { "1 process".into() } else { format!("{number} processes") }
}

/// Fails if the server holds more descriptors or processes after a number of reloads, and still more after as many
/// again. A pool grows to its size and then stops, so only growth a second time is a leak.
fn expect_no_growth(server: &mut Server, signal: Signal) -> check::Result {
    // The server has closed the connections of all clients that have gone.
    server.await_reaction()?;
    let first = settled(server, None)?;
    let then = held_after_reloads(server, signal, first)?;
    if !then.has_grown_since(first) {
        return Ok(());
    }
    let now = held_after_reloads(server, signal, then)?;
    if !now.has_grown_since(then) {
        return Ok(());
    }
    Err(Finding::fail(
        format!("{first}, as after {FIRST} reloads"),
        format!("{then} after {MORE} more, and {now} after {MORE} more again, with no client connected"),
    ))
}

fn held_after_reloads(server: &mut Server, signal: Signal, before: Held) -> check::Result<Held> {
    (0..MORE).try_for_each(|_| reload(server, signal))?;
    settled(server, Some(before))
}

/// Counts the resources that the server holds, once they are no more than `before` or have had time to be released.
fn settled(server: &Server, before: Option<Held>) -> check::Result<Held> {
    let deadlines = server.deadlines();
    let mut held = Held::by(server)?;
    let limit = if before.is_some() { deadlines.exit() } else { deadlines.quiet() };
    until(limit, || {
        held = Held::by(server)?;
        Ok(before.is_some_and(|before| !held.has_grown_since(before)).then_some(()))
    })?;
    Ok(held)
}

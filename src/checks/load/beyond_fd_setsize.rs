//! Checks clients whose descriptors are too large for select(2).

use std::time::Duration;

use crate::check::{self, Finding};
use crate::checks::{Check, steps};
use crate::outcome::{Level::Should, Outcome};
use crate::requirement::MANY_DESCRIPTORS;
use crate::server::{LaunchOptions, Server};
use crate::sys;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "load/beyond-fd-setsize",
    level: Should,
    sentence: "eleven hundred clients connected at once are all answered, including those whose descriptor is 1024 or more",
    why: "with such a descriptor select(2) writes beyond its fd_set, which corrupts memory; a server that avoids that by not watching it leaves the client waiting",
    citations: &["select(2) (FD_SETSIZE)", "poll(2)", "getrlimit(2) (RLIMIT_NOFILE)"],
    recipe: "launch the server with 4096 descriptors; connect 1100 clients, up to 20 at a time, each of which exchanges a message and stays; the check passes early if the server makes a process for each client",
    requires: Capabilities::CONCURRENT_CLIENTS
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::CONNECTIONS)
        .union(Capabilities::LAUNCHED),
    run,
};

/// The limit on the server's descriptors under which a check connects clients beyond FD_SETSIZE.
const LIMIT: u32 = 4096;
const CLIENTS: usize = 1100;

/// The time in which all clients of a check must be served, as a multiple of the deadline for progress on one
/// connection.
const SLOWEST: u32 = 4;

/// The number of descriptors for which an `fd_set` of select(2) has room on every supported system.
const FD_SETSIZE: usize = 1024;

/// The number of clients that connect before any of them is answered, if the server's listen queue holds as many.
const AT_ONCE: usize = 20;

/// The time within which a client connects unless the server's listen queue is full. The kernel connects it without
/// the server.
const CONNECTS_WITHIN: Duration = Duration::from_millis(100);

fn run(server: &mut Server) -> check::Result {
    steps::require_replies(server)?;
    let ours = sys::descriptor_limit();
    if ours < LIMIT as usize {
        let found = format!("up to {ours} for a process");
        return Err(Finding::missing_requirement(
            &MANY_DESCRIPTORS,
            format!("{LIMIT} descriptors for the harness"),
            found,
        ));
    }
    let options = LaunchOptions { descriptor_limit: Some(LIMIT), ..server.options() };
    // No verdict: the limit may be lower than the server's usual one, which it may need.
    let mut other = server.launch_if_possible(options, format!("a start with {LIMIT} descriptors"))?;
    let result = exceed_fd_setsize(&mut other);
    result.map_err(|finding| other.diagnose(finding))
}

/// Connects clients until the server has used descriptors beyond FD_SETSIZE.
fn exceed_fd_setsize(server: &mut Server) -> check::Result {
    let before = server.processes()?.len();
    let mut clients = vec![server.connect_and_hold()?];
    if !server.serves_concurrently()? {
        return Ok(()); // The server serves one client at a time, and needs one descriptor.
    }
    let mut stopwatch = server.stopwatch();
    let limit = server.deadlines().no_progress() * SLOWEST;
    let mut at_once = AT_ONCE;
    while clients.len() < CLIENTS {
        let most = at_once.min(CLIENTS - clients.len());
        match connect_more(server, &mut clients, most) {
            // A server with a short listen queue is not sent more clients at a time than that holds.
            Ok(Connected::All(connected)) => at_once = connected,
            Ok(Connected::Unread(unread)) => return judge_unread(server, clients, unread),
            Err(finding) if finding.outcome.was_not_asked() => return Err(finding),
            Err(finding) => return Err(judge_unanswered(server, clients, finding)),
        }
        if clients.len() <= 2 * AT_ONCE && server.processes()?.len() >= before + clients.len() / 2 {
            return Ok(()); // The server makes a process for each client, which holds few descriptors.
        }
        if stopwatch.elapsed() > limit {
            return Err(too_slow(clients.len(), limit));
        }
    }
    // A client that was not answered yet has its answer due.
    clients.iter_mut().filter(|client| client.has_begun_request()).try_for_each(Client::finish)
}

/// The clients of one step.
enum Connected {
    /// This number of clients were connected at once, and the server has served each.
    All(usize),
    /// The server left the request of the first of these clients unread.
    Unread(Vec<Client>),
}

/// Connects at most `most` clients, then waits until each is served. Adds those to `clients`.
fn connect_more(server: &mut Server, clients: &mut Vec<Client>, most: usize) -> check::Result<Connected> {
    const CONTENT: &[u8] = b"here";
    let stays_open = server.spec().capabilities().contains(Capabilities::STAYS_OPEN);
    let mut waiting = vec![server.connect()?];
    while waiting.len() < most {
        // If the server refuses this client, the next call reports that.
        let Ok(Some(client)) = server.connect_within(CONNECTS_WITHIN) else { break };
        waiting.push(client);
    }
    let connected = waiting.len();
    for client in &mut waiting {
        if stays_open { client.send(CONTENT)? } else { client.send_half(CONTENT)? }
    }
    let mut waiting = waiting.into_iter();
    while let Some(mut client) = waiting.next() {
        if stays_open {
            client.expect(CONTENT)?;
        } else if !client.await_half()? {
            return Ok(Connected::Unread([client].into_iter().chain(waiting).collect()));
        }
        clients.push(client);
    }
    Ok(Connected::All(connected))
}

/// Judges a server that has left the request of a client unread while others waited for the rest of theirs.
///
/// A server with a fixed number of workers reads from so many clients at a time. Each client, whether its request was
/// read or not, must be answered once the clients before it have left.
fn judge_unread(server: &mut Server, clients: Vec<Client>, mut unread: Vec<Client>) -> check::Result {
    let served = clients.len();
    if most_descriptors(server) > FD_SETSIZE
        && let Err(finding) = unread[0].complete_request(b"")
    {
        return Err(judge_unanswered(server, clients, finding));
    }
    for (place, mut client) in clients.into_iter().chain(unread).enumerate() {
        let result = client.finish();
        result.map_err(|finding| {
            finding.because(format!("client {}; the clients before it have left", place + 1))
        })?;
    }
    let actual =
        format!("{served} whose requests it reads at the same time; the next waits until one leaves");
    Err(Finding::info(format!("{CLIENTS} clients at once"), actual))
}

/// Returns the largest number of descriptors that a process of the server has open.
fn most_descriptors(server: &Server) -> usize {
    let processes = server.processes().unwrap_or_default();
    processes.iter().filter_map(|process| server.descriptor_count(process.pid).ok()).max().unwrap_or(0)
}

/// Reports, as *info*, that the clients were served too slowly to reach the limit of select(2).
fn too_slow(served: usize, time: Duration) -> Finding {
    let actual = format!("{served} were connected and answered in {:.0} s", time.as_secs_f64());
    Finding::info(format!("{CLIENTS} clients at once"), actual)
}

/// Judges a server that did not answer the next of many clients. A limit on the number of clients is *info*, if those
/// within it are still served. A server that has accepted a client and never answers it, or that exits, has failed.
fn judge_unanswered(server: &mut Server, mut clients: Vec<Client>, finding: Finding) -> Finding {
    let served = clients.len();
    let never_answered = finding.outcome == Outcome::Timeout && most_descriptors(server) > FD_SETSIZE;
    let mut first_is_served =
        clients.first_mut().is_none_or(|first| first.complete_request(b"still there?").is_ok());
    if !first_is_served && clients.first().is_some_and(|first| !first.is_open_at_server()) {
        // A server may close a connection that is idle for long (RFC 9112 §9.5). Then a new client stands for the first.
        clients.clear();
        first_is_served = server.connect_and_exchange().is_ok();
    }
    if first_is_served && !never_answered {
        let actual = format!("{served} at once; the next: {}", finding.actual);
        return Finding::info(format!("{CLIENTS} clients at once"), actual);
    }
    let finding = finding.because(format!("client {}, with {served} others connected", served + 1));
    if served + 64 < FD_SETSIZE {
        return finding;
    }
    finding.because(format!(
        "select(2) with a descriptor beyond FD_SETSIZE, which is {FD_SETSIZE}, is the likely cause"
    ))
}

//! Steps of checks of servers on standard input and output that speak a protocol other than echo.

use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::busy_loop::{find_busy_loop, is_blocked};
use super::requests::answered_turns;
use crate::check::{self, Finding, OrFinding};
use crate::deadline::Countdown;
use crate::outcome::Outcome;
use crate::payload::KIB;
use crate::server::{LaunchOptions, Server, describe_process};
use crate::sys;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, Client};

/// Capabilities that a server must have for checks of conversations on standard input and output.
pub(super) const ON_STDIO: Capabilities =
    Capabilities::STDIO.union(Capabilities::REQUESTS).union(Capabilities::STAYS_OPEN);

/// Capabilities that a server must have for checks of what it does when its input ends.
pub(super) const WITH_END_OF_INPUT: Capabilities = ON_STDIO.union(Capabilities::END_OF_INPUT);

/// The maximum number of leftover processes that a report names.
const NAMED: usize = 4;

/// Returns the options of a server at whose start SIGPIPE is ignored, as Python and Node ignore it for themselves.
pub(super) fn ignoring_sigpipe(server: &Server) -> LaunchOptions {
    LaunchOptions { ignored: &[Signal::SIGPIPE], ..server.options() }
}

/// Launches the server, completes the opening of its protocol, and exchanges one message; or goes on with a conversation
/// that an earlier check has left open.
///
/// A server may load much before its first answer, which gets the time of a start.
pub(super) fn begin(server: &mut Server) -> check::Result<Client> {
    if let Some(client) = server.resume() {
        return Ok(client);
    }
    let client = server.connect()?;
    begin_as(server, client)
}

/// Completes the opening of the protocol as `client`, and exchanges one message.
pub(super) fn begin_as(server: &Server, mut client: Client) -> check::Result<Client> {
    client.complete_opening()?;
    client.send(b"here")?;
    let mut left = Countdown::new(server.deadlines().start());
    while client.unanswered() > 0 && !client.has_ended() && !left.left().is_zero() {
        client.receive_replies(WHILE_STARTING)?;
    }
    client.expect(b"here")?;
    Ok(client)
}

/// The silence after which a client looks whether its first request is answered.
const WHILE_STARTING: Duration = Duration::from_millis(20);

/// The number of bytes of answers with which [`ask_without_reading`] fills the buffers between server and client.
const ANSWERS: usize = 1024 * KIB;

/// The maximum number of requests that [`ask_without_reading`] sends.
const MOST: usize = 4000;

/// Sends requests for answers of 1 MiB in all, and reads none of them. Returns the number of requests sent: fewer
/// than it takes for 1 MiB if the server stops reading before.
///
/// # Errors
/// Unsupported if the answers are so short that the kernel holds all of them.
pub(super) fn ask_without_reading(server: &Server, client: &mut Client) -> check::Result<usize> {
    let (mut turn, mut length) = (0, 0);
    for candidate in answered_turns(server.spec().protocol()) {
        let before = client.received();
        client.queue_request(candidate, b"full")?;
        client.send_rest()?;
        client.expect(b"full")?;
        if client.received() - before > length {
            (turn, length) = (candidate, client.received() - before);
        }
    }
    let most = (ANSWERS / length.max(1)).clamp(1, MOST);
    let requests = client.fill_with_requests(turn, most)?;
    let held = held_unread(client);
    if requests == most && requests * length <= held {
        let found = format!("{requests} answers of {}", count_with_noun(length, "byte"));
        return Err(Finding::unsupported(format!("more than {held} bytes of answers"), found));
    }
    Ok(requests)
}

/// Returns the largest number of bytes that the kernel can hold for `client` while it does not read. A pseudo-terminal
/// holds fewer.
fn held_unread(client: &Client) -> usize {
    match client.link().as_socket() {
        // socketpair(2) gives both sockets the same size.
        Some(socket) => socket.send_buffer_size().unwrap_or(256 * KIB),
        None => sys::pipe_capacity(client.input_descriptor()).unwrap_or(64 * KIB),
    }
}

/// Waits until the server's process has exited, and every process that it started. Meanwhile `client` reads.
///
/// `after` says what should end it.
///
/// # Errors
/// A timeout if the process lives on, or a failure if a descendant of it does.
pub(super) fn expect_end(
    server: &mut Server,
    mut client: Option<&mut Client>,
    after: &str,
) -> check::Result<ExitStatus> {
    let (limit, used) = (server.deadlines().exit(), server.cpu_time().unwrap_or_default());
    let ended = server.until(limit, |server| read_and_look(server, client.as_deref_mut()))?;
    let ended = if ended.is_some() { ended } else { await_end_of_starved(server, client, used, after)? };
    let Some(status) = ended else { return Err(lives_on(server, after)) };
    expect_no_process(server, after)?;
    Ok(status)
}

/// The processor time in which a server that is starved of processors must exit. It may have to load a part of itself
/// for that.
const WORK_TO_EXIT: Duration = Duration::from_secs(3);

/// The number of times that a check waits for a starved server to react.
const REACTIONS: usize = 6;

/// Waits until the server has exited, or waits for something, or has used [`WORK_TO_EXIT`] more than `used`. Returns `None`
/// if it lives on, or if this system does not show its processor time.
///
/// # Errors
/// Broken if the machine is so busy that the server has done none of that.
fn await_end_of_starved(
    server: &mut Server,
    mut client: Option<&mut Client>,
    used: Duration,
    after: &str,
) -> check::Result<Option<ExitStatus>> {
    let mut got = Duration::ZERO;
    for _ in 0..REACTIONS {
        let Ok(now) = server.cpu_time() else { return Ok(None) };
        got = now.saturating_sub(used);
        if got >= WORK_TO_EXIT {
            return Ok(None);
        }
        server.process_lister().await_work(WORK_TO_EXIT - got, server.deadlines())?;
        let received = client.as_deref().map(Client::received);
        let quiet = server.deadlines().quiet();
        let ended = server.until(quiet, |server| read_and_look(server, client.as_deref_mut()))?;
        let is_silent = received == client.as_deref().map(Client::received);
        if ended.is_some() || is_silent && is_blocked(server)? {
            return Ok(ended);
        }
    }
    let got = got.as_millis();
    let actual =
        format!("after {after} it was ready to run all the time, and got {got} ms of processor time");
    Err(Finding::broken("a processor for the server", actual))
}

/// Lets `client` read, and returns the exit status of the server once it has exited.
pub(super) fn read_and_look(
    server: &mut Server,
    client: Option<&mut Client>,
) -> check::Result<Option<ExitStatus>> {
    if let Some(client) = client {
        // The answers themselves are the subject of other checks.
        drop(client.receive_replies(Duration::ZERO));
    }
    Ok(server.instance()?.ended())
}

fn lives_on(server: &Server, after: &str) -> Finding {
    let waited = server.deadlines().exit().as_secs_f64();
    let spins = find_busy_loop(server).ok().flatten();
    let spins = spins.map(|cpu_use| format!("it spins: {cpu_use}")).unwrap_or_default();
    let actual = format!("alive after {waited} s");
    Finding::timeout(format!("an exit after {after}"), actual).because(spins).because(processes_of(server))
}

fn processes_of(server: &Server) -> String {
    let processes = server.processes().unwrap_or_default();
    let named: Vec<_> = processes.iter().take(NAMED).map(describe_process).collect();
    named.join("\n")
}

/// Fails if a process of the server still exists a while after the event that `after` names.
fn expect_no_process(server: &mut Server, after: &str) -> check::Result {
    let limit = server.deadlines().exit();
    let gone = server.until(limit, |server| Ok(server.processes()?.is_empty().then_some(())));
    match gone {
        // This system does not list processes, so only the exit of the main process is known.
        Err(finding) if finding.outcome == Outcome::Unsupported => Ok(()),
        Err(finding) => Err(finding),
        Ok(Some(())) => Ok(()),
        Ok(None) => {
            let left = server.processes()?;
            let actual = format!("{} of it alive", count_with_noun(left.len(), "process"));
            Err(Finding::fail(format!("no process of the server after {after}"), actual)
                .because(processes_of(server)))
        }
    }
}

/// Launches the server again with `options`, and begins a conversation with it.
pub(super) fn launch_again(server: &mut Server, options: LaunchOptions) -> check::Result<Server> {
    server.launch_another(options).or_broken("the server launched again")
}

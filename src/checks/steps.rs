//! Steps that several checks take.

use std::time::{Duration, Instant};

use super::busy_loop::is_idle;
use crate::check::{self, Finding};
use crate::deadline::{Countdown, until};
use crate::outcome::Outcome;
use crate::payload::{KIB, MIB};
use crate::server::{LaunchOptions, Server};
use crate::text::count_with_noun;
use crate::transport::{Capabilities, Client};

/// Connects a client, sends a message, and waits until the server has processed it and waits for what comes next.
///
/// A server of many clients must answer. A client that is only greeted may have been disconnected already. A process that
/// was launched for one client may be a filter that buffers its output: it need only wait for more input.
pub(super) fn connect_and_settle(server: &mut Server) -> check::Result<Client> {
    if server.spec().protocol().only_greets() {
        return server.connect_and_exchange();
    }
    if server.spec().capabilities().contains(Capabilities::MANY_CLIENTS) {
        let client = server.connect_and_hold()?;
        // The thread that accepts clients may not yet wait for the next one.
        server.await_reaction()?;
        return Ok(client);
    }
    let mut client = server.resume_or_connect()?;
    client.send(b"here")?;
    if answers_before_idle(server, &mut client)? {
        client.expect(b"here")?;
    }
    Ok(client)
}

/// Reports whether the server answers a new client while another one is connected and silent. Both have left afterwards, so
/// that a server of two workers has both of them free.
pub(super) fn serves_two_clients(server: &mut Server) -> check::Result<bool> {
    let mut silent = server.connect_and_hold()?;
    let serves_both = server.serves_concurrently()?;
    if serves_both {
        silent.finish()?;
    }
    Ok(serves_both)
}

/// Fails with *unsupported* if the server's protocol has no reply whose time could be measured.
pub(super) fn require_replies(server: &Server) -> check::Result {
    let protocol = server.spec().protocol();
    if !protocol.never_answers() {
        return Ok(());
    }
    let reason = format!("the protocol {} has no request that is answered", protocol.name());
    Err(Finding::unsupported("", "").because(reason))
}

/// The number of deadlines for a reply that a check waits for a server that is still busy. A server that starts
/// slowly needs more than one.
const WAITS: usize = 5;

/// Reports whether `client` receives anything before the server is idle.
fn answers_before_idle(server: &Server, client: &mut Client) -> check::Result<bool> {
    let deadlines = server.deadlines();
    for _ in 0..WAITS {
        if client.is_answered_within(deadlines.reply())? {
            return Ok(true);
        }
        if server.cpu_use(deadlines.quiet()).is_ok_and(|cpu_use| !cpu_use.is_busy_loop()) {
            return Ok(false);
        }
    }
    Ok(false)
}

/// Connects `clients` clients, one after another, and exchanges a message with each. Each must receive its own bytes
/// and nothing else.
///
/// UDP may lose datagrams (RFC 768), so a UDP client that is not answered is followed by another one. The checks that
/// use this are about something else, and a server that opens a socket for each peer can miss a datagram in between.
pub(super) fn serve_clients(server: &mut Server, clients: usize) -> check::Result {
    let udp = server.spec().capabilities().contains(Capabilities::UDP);
    (0..clients).try_for_each(|_| {
        let client = match server.connect_and_exchange() {
            Err(finding) if finding.outcome == Outcome::Timeout && udp => server.connect_and_exchange(),
            result => result,
        };
        client?.finish()
    })
}

/// Lets all clients send `contents`, then verifies all replies. The clients have connected since `connected`.
///
/// A server may close a connection that is idle for long. Then the client connects again, as a client of HTTP does
/// (RFC 9112 §9.5), and asks once more. A server that serves a limited number of clients may let it wait until others
/// have left, so its reply may be missing if other clients have theirs. Returns whether all clients were served.
pub(super) fn ask_all(
    server: &mut Server,
    clients: &mut [Client],
    contents: &[Vec<u8>],
    connected: Instant,
    send_all: impl FnOnce(&mut Server, &mut dyn FnMut()) -> check::Result,
) -> check::Result<bool> {
    let idle = connected.elapsed() >= server.deadlines().reply();
    let may_close = idle && !server.spec().protocol().replies_equal_requests();
    for client in clients.iter_mut().filter(|client| client.must_reconnect()) {
        *client = server.connect()?;
    }
    let received: Vec<usize> = clients.iter().map(Client::received).collect();
    let mut sent = Vec::new();
    send_all(server, &mut || {
        sent = clients.iter_mut().zip(contents).map(|(client, content)| client.send(content)).collect();
    })?;
    let number = clients.len();
    let asked = clients.iter_mut().zip(contents).zip(sent.into_iter().zip(received));
    let (mut served, mut server_is_full) = (0, None);
    for (place, ((client, content), (sent, received))) in asked.enumerate() {
        let mut answered = sent.and_then(|()| client.expect(content));
        let closed = |finding: &Finding| finding.outcome == Outcome::Fail && client.received() == received;
        if may_close && answered.as_ref().is_err_and(closed) {
            if server_is_full.is_some() {
                continue;
            }
            *client = server.connect()?;
            answered = client.exchange(content);
            if answered.as_ref().is_err_and(|finding| finding.outcome == Outcome::Timeout) {
                server_is_full = answered.err();
                continue;
            }
        }
        answered.map_err(|finding| {
            let all = count_with_noun(number, "client");
            finding.because(format!("client {} of {all} that asked at once", place + 1))
        })?;
        served += 1;
    }
    match server_is_full {
        Some(finding) if served == 0 => Err(finding),
        _ => Ok(served == number),
    }
}

/// Launches the server's command again with `options`, at another address, and runs `check` on it. `when` describes
/// the options in a report.
pub(super) fn check_launched_with(
    server: &mut Server,
    options: LaunchOptions,
    when: &str,
    check: impl FnOnce(&mut Server) -> check::Result,
) -> check::Result {
    let captured = options.captures_output();
    let mut other = server.launch_under(options, &format!("a server that starts {when}"))?;
    if other.spec().setup().ready_when.is_some() && !captured {
        // The line that says so cannot be read, so the first reply shows that the server is ready.
        other.until(other.deadlines().start(), |other| Ok(other.connect_and_exchange().ok().map(drop)))?;
    }
    check_other(&mut other, when, check)
}

/// Launches the server's command again as it was launched before, at another address, and runs `check` on it. `when`
/// describes the moment that `check` is about in a report.
pub(super) fn check_launched_again(
    server: &mut Server,
    when: &str,
    check: impl FnOnce(&mut Server) -> check::Result,
) -> check::Result {
    check_other(&mut launch_to_check(server, when)?, when, check)
}

/// Launches the server's command again as it was launched before, at another address, to check it at the moment that
/// `when` describes.
pub(super) fn launch_to_check(server: &mut Server, when: &str) -> check::Result<Server> {
    server.launch_again(&format!("one more server, to check it {when}"))
}

/// Runs `check` on a server that was launched for it. `when` describes in a report the moment that `check` is about.
pub(super) fn check_other<T>(
    other: &mut Server,
    when: &str,
    check: impl FnOnce(&mut Server) -> check::Result<T>,
) -> check::Result<T> {
    check(other).map_err(|finding| {
        let finding = other.diagnose(finding.because(when));
        finding.because(last_line_printed(other))
    })
}

/// Returns the last line that the server printed, as a reason in a finding.
pub(super) fn last_line_printed(server: &Server) -> String {
    server.last_output().last().map(|line| format!("it printed: {line}")).unwrap_or_default()
}

/// Starts the server again on its address and exchanges with it. `likely_cause` explains a server that refuses to
/// start.
pub(super) fn restart_and_exchange(server: &mut Server, likely_cause: &str) -> check::Result {
    server.restart_for_check().map_err(|finding| because_of(finding, likely_cause))?;
    server.connect_and_exchange().map(drop)
}

/// Starts the server again on its address. It must then answer the client `waiting`, which was connected before, and
/// another one.
pub(super) fn restart_and_exchange_after(
    server: &mut Server,
    waiting: &mut Client,
    likely_cause: &str,
) -> check::Result {
    server.restart_for_check().map_err(|finding| because_of(finding, likely_cause))?;
    // A passed listener is ready before the server is, which may take as long as a start.
    let start = server.deadlines().start();
    if server.spec().protocol().receives_before_requests() {
        waiting.readable_within(start)?;
    }
    let answered = waiting.send(b"at last").and_then(|()| {
        waiting.readable_within(start)?;
        waiting.expect(b"at last")
    });
    answered.map_err(|finding| finding.because(likely_cause))?;
    waiting.finish()?;
    server.connect_and_exchange().map(drop)
}

/// Adds the likely cause of a server's refusal to start to a failure.
fn because_of(finding: Finding, likely_cause: &str) -> Finding {
    if finding.outcome == Outcome::Fail { finding.because(likely_cause) } else { finding }
}

/// The number of bytes that a client sends at most without reading.
const MOST: usize = 32 * MIB;

/// The length of one message of a client that sends without reading, where the mechanism keeps message boundaries.
const MESSAGE: usize = 4 * KIB;

/// Connects a client that sends without reading until the server takes no more. Returns it with the number of bytes taken.
pub(super) fn connect_and_fill(server: &mut Server) -> check::Result<(Client, usize)> {
    let mut client = server.connect()?;
    if server.spec().capabilities().contains(Capabilities::STREAM) {
        let bytes = server.payload(MOST);
        let taken = client.fill_until_blocked(&bytes)?;
        return Ok((client, taken));
    }
    let message = server.payload(MESSAGE);
    let taken = client.fill_with_messages(&message, MOST / MESSAGE)? * MESSAGE;
    Ok((client, taken))
}

/// The length of one measurement of the server's processor time in [`expect_idle`].
const WINDOW: Duration = Duration::from_millis(200);

/// The number of measurements in which a server must be busy, and the processor time that it must have used in all.
const MEASUREMENTS: usize = 5;
const BUSY_TIME: Duration = Duration::from_millis(800);

/// The processor time that each process of a server may use to start: it loads a compiler, a parser or an index. The
/// next constant is the number of processes that get this time.
const START_TIME: Duration = Duration::from_secs(3);
const STARTERS: usize = 4;

/// The number of deadlines for progress after which no more is measured.
const LONGEST: u32 = 24;

/// Fails if the server is busy in each of several measurements, and has used the processor for long meanwhile. A burst, such as
/// just-in-time compilation or garbage collection, is over in one of them; a busy loop is not. On a busy machine a server
/// gets a part of a processor, so more measurements are needed. One in which it only waited for a processor shows nothing.
/// A server that is launched for its client has only just started: it may use [`START_TIME`].
///
/// `when` describes the moment in a report.
pub(super) fn expect_idle(server: &Server, when: &str) -> check::Result {
    let mut left = Countdown::new(server.deadlines().no_progress() * LONGEST);
    let (before, mut busy) = (server.cpu_time()?, 0);
    while !left.left().is_zero() {
        let cpu_use = server.cpu_use(WINDOW)?;
        if cpu_use.is_busy_loop() {
            busy += 1;
        } else if is_idle(server, cpu_use)? {
            return Ok(());
        }
        if busy >= MEASUREMENTS && server.cpu_time()?.saturating_sub(before) >= busy_time(server)? {
            return Err(Finding::fail("almost no processor time", format!("{cpu_use}, {when}"))
                .about_living_server()
                .because(format!("the same in each of {busy} measurements")));
        }
    }
    let used = server.cpu_time()?.saturating_sub(before).as_millis();
    let actual = format!("it was ready to run all the time, and got {used} ms of processor time");
    Err(Finding::broken("a processor for the server", actual))
}

/// Returns the processor time after which a server that has never been idle is in a loop.
fn busy_time(server: &Server) -> check::Result<Duration> {
    if server.spec().capabilities().contains(Capabilities::MANY_CLIENTS) {
        return Ok(BUSY_TIME);
    }
    let starters = server.processes()?.len().clamp(1, STARTERS);
    Ok(START_TIME * u32::try_from(starters).unwrap_or_default())
}

/// Reads a value about the server again and again until it no longer changes. Returns the last value if it still
/// changes after the deadline for an exit.
pub(super) fn wait_until_stable<T: PartialEq + Clone>(
    server: &Server,
    read: impl Fn() -> check::Result<T>,
) -> check::Result<T> {
    const SAME: usize = 8;
    let (mut last, mut same) = (read()?, 0);
    until(server.deadlines().exit(), || {
        let now = read()?;
        same = if now == last { same + 1 } else { 0 };
        last = now;
        Ok((same >= SAME).then_some(()))
    })?;
    Ok(last)
}

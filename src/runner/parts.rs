//! Verifies the parts of a user's protocol file that the first exchange does not use: its other turns, its long exchange
//! and its goodbye. A mistake there would otherwise look like a fault of the server, in the checks that use the part.

use crate::check::{self, Finding};
use crate::outcome::Outcome;
use crate::protocol::Turn;
use crate::server::Server;
use crate::transport::Capabilities;

/// The number of times that a part of a protocol file must fail, each time with a new client.
const TRIES: usize = 2;

/// The number of bytes of a reply that a server sends only if it understands the request. A long reply that is cut off
/// later is a fault of the server.
const UNDERSTOOD: usize = 1024;

/// Returns a description of the first part of the protocol file that the server does not answer as the file says, with
/// its line. `None` if there is none, and for built-in protocols.
pub(super) fn wrong_part(server: &mut Server) -> Option<String> {
    if !server.spec().capabilities().contains(Capabilities::STREAM) {
        return None;
    }
    let protocol = server.spec().protocol().clone();
    let usual = protocol.payload_turn().or_else(|| protocol.turns().first());
    let others =
        protocol.turns().iter().filter(|turn| !usual.is_some_and(|usual| std::ptr::eq(usual, *turn)));
    for turn in others.chain(protocol.long_exchange()) {
        if let Some(text) = misfit(server, &[turn], false) {
            return Some(text);
        }
    }
    // A process that serves one client is asked for its goodbye by checks, which end it.
    let is_asked = server.spec().capabilities().contains(Capabilities::MANY_CLIENTS);
    let goodbye: Vec<&Turn> = protocol.closing_exchange().iter().collect();
    if is_asked && !goodbye.is_empty() { misfit(server, &goodbye, true) } else { None }
}

/// Asks the server for `turns` one after another, after a usual exchange if that is asked. Returns a description of the
/// first whose reply does not fit.
fn misfit(server: &mut Server, turns: &[&Turn], after_exchange: bool) -> Option<String> {
    // A turn of a built-in protocol has no place in a file of the user.
    let shown = turns.iter().all(|turn| !turn.has_reply() || turn.error_at_reply("").is_some());
    if !shown || !turns.iter().any(|turn| turn.has_reply()) {
        return None;
    }
    let mut last = None;
    for _ in 0..TRIES {
        last = Some(ask(server, turns, after_exchange)?);
    }
    let (turn, finding) = last?;
    let place = turn.error_at_reply("the server's reply does not fit this part of the protocol file")?;
    let indented = |text: &str| text.replace('\n', "\n            ");
    Some(format!(
        "{place}\n  expected  {}\n  actual    {}",
        indented(&finding.expected),
        indented(&finding.actual)
    ))
}

/// Returns the first of `turns` that is not answered as the protocol file says, with the finding.
fn ask<'t>(server: &mut Server, turns: &[&'t Turn], after_exchange: bool) -> Option<(&'t Turn, Finding)> {
    // That the server can be reached and speaks was shown before; a fault in that is found by checks.
    let mut client = server.connect().ok()?;
    client.complete_opening().ok()?;
    if after_exchange {
        client.exchange(b"before").ok()?;
    }
    for turn in turns.iter().take_while(|turn| turn.has_reply()) {
        let before = client.received();
        let answered: check::Result = client.ask(turn);
        let Err(finding) = answered else { continue };
        let of_file = matches!(finding.outcome, Outcome::Fail | Outcome::Timeout);
        return (of_file && client.received() - before < UNDERSTOOD).then_some((turn, finding));
    }
    None
}

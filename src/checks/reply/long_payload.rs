//! Checks that a long payload comes back, also one that just fills a buffer.

use std::collections::BTreeSet;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::requests::{REQUESTS_OVER_STREAMS, content_within, usual_turn};
use crate::outcome::{Level::Should, Outcome};
use crate::payload::{KIB, MIB};
use crate::protocol::Turn;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "reply/long-payload",
    level: Should,
    sentence: "requests with payloads up to 1 MiB, or as long as the protocol file allows, are answered",
    why: "a server that keeps a request in a buffer of fixed size cuts, refuses or never answers the first request that does not fit; short requests never show it",
    citations: &["RFC 9293 §3.7", "recv(2)", "read(2)"],
    recipe: "for each power of two from 512 to 65,536: send requests of that length, one byte less and one more, and payloads of these lengths; then payloads just over 128, 256 and 512 KiB, and of 1 MiB; up to `payload_max` if the protocol file has it, and for up to 10 s in all; compare each reply. A server that refuses more than 64 KiB, and serves others, has a limit, which is reported as info",
    requires: REQUESTS_OVER_STREAMS.union(Capabilities::CONNECTIONS).union(Capabilities::MANY_CLIENTS),
    run,
};

/// The powers of two up to which a request and its payload have that length, one byte less and one byte more.
const EXACT: [usize; 8] = [512, KIB, 2 * KIB, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB];

/// The lengths of the longest payloads.
const LONG: [usize; 4] = [128 * KIB + 1, 256 * KIB + 1, 512 * KIB + 1, MIB];

/// The length of payloads that every server should take, unless the protocol file has a limit. A server that refuses
/// longer ones may do so by design.
const USUAL: usize = 64 * KIB;

/// The time for all requests, as a multiple of the deadline for progress.
const SLOWEST: u32 = 2;

/// The number of bytes of a refusal, such as an error message, that no part of a long reply is.
const REFUSAL: usize = 512;

fn run(server: &mut Server) -> check::Result {
    let protocol = server.spec().protocol().clone();
    let number = usual_turn(&protocol);
    let turn = protocol.turns()[number].clone();
    if !turn.carries_payload() || !turn.has_reply() {
        let reason = "no request of the protocol carries a payload that comes back";
        return Err(Finding::unsupported("", "").because(reason));
    }
    let stays_open = server.spec().capabilities().contains(Capabilities::STAYS_OPEN);
    let mut stopwatch = server.stopwatch();
    let (mut kept, mut longest) = (None::<Client>, 0);
    for length in lengths(&turn) {
        if stopwatch.elapsed() > server.deadlines().no_progress() * SLOWEST {
            break;
        }
        let mut client = kept.take().map_or_else(|| server.connect(), Ok)?;
        client.complete_opening()?;
        let before = client.received();
        let content = server.payload(length);
        let answered = client.queue_request(number, &content).and_then(|_| client.expect(&content));
        if let Err(finding) = answered {
            let received = client.received() - before;
            drop(client);
            return Err(judge(server, &turn, Unanswered { length, longest, received }, finding));
        }
        longest = length;
        kept = stays_open.then_some(client);
    }
    Ok(())
}

/// Returns the lengths of the payloads to send, in ascending order.
fn lengths(turn: &Turn) -> BTreeSet<usize> {
    let most = turn.max_payload().and_then(|most| usize::try_from(most).ok()).unwrap_or(MIB).min(MIB);
    let around = EXACT.iter().flat_map(|&power| [power - 1, power, power + 1]);
    let requests = around.clone().filter_map(|length| content_within(turn, length));
    let declared = turn.declares_payload_max().then_some(most);
    let all = around.chain(requests).chain(LONG).chain(declared);
    all.filter(|&length| length > 0 && length <= most).collect()
}

/// A request that was not answered as it must be.
struct Unanswered {
    /// The length of its payload.
    length: usize,
    /// The length of the longest payload that was answered before.
    longest: usize,
    /// The number of bytes that came in place of the reply.
    received: usize,
}

/// Judges a server that did not answer a request. A clean refusal of a payload of more than 64 KiB is a limit, which is
/// *info*, unless the protocol file says that the server takes as much.
fn judge(server: &mut Server, turn: &Turn, unanswered: Unanswered, finding: Finding) -> Finding {
    let Unanswered { length, longest, received } = unanswered;
    let finding = finding.because(format!(
        "the request had a payload of {}; one of {longest} was answered",
        count_with_noun(length, "byte")
    ));
    let may_be_limit = finding.outcome == Outcome::Fail
        && received < REFUSAL
        && longest >= USUAL
        && !turn.declares_payload_max();
    if !may_be_limit || server.expect_alive().is_err() || server.connect_and_exchange().is_err() {
        return finding;
    }
    let actual = format!("{longest} bytes; the next: {}", finding.actual);
    Finding::info(format!("an answer to a payload of {}", count_with_noun(length, "byte")), actual).because(
        format!("if that is the server's limit, `payload_max = {longest}` in the protocol file says so"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Protocol;

    fn lengths_of(name: &str) -> BTreeSet<usize> {
        lengths(&Protocol::built_in(name).unwrap().turns()[0])
    }

    #[test]
    fn requests_and_payloads_have_the_lengths_of_buffers() {
        let lengths = lengths_of("redis");
        assert!([4095, 4096, 4097, MIB].iter().all(|length| lengths.contains(length)));
        // *2, $4, ECHO, $4073 and their line ends, and the line end after the payload, are 23 bytes.
        assert!(lengths.contains(&4073), "{lengths:?}");
    }

    #[test]
    fn longest_payload_is_the_declared_one() {
        assert_eq!(lengths_of("line").last(), Some(&3000));
        assert_eq!(lengths_of("memcached").last(), Some(&500_000));
    }
}

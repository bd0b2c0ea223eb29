//! Requests of a protocol other than echo, and where they are cut.

use std::time::Duration;

use crate::check;
use crate::deadline::until;
use crate::protocol::{Protocol, Request, Token, Turn};
use crate::server::Server;
use crate::text::excerpt;
use crate::transport::{Capabilities, Client};

/// Capabilities that a server must have for checks of requests over streams.
pub(super) const REQUESTS_OVER_STREAMS: Capabilities = Capabilities::REQUESTS.union(Capabilities::STREAM);

/// Capabilities that a server must have for checks of many clients that send requests over streams.
pub(super) const MANY_CLIENTS_OVER_STREAMS: Capabilities =
    REQUESTS_OVER_STREAMS.union(Capabilities::MANY_CLIENTS).union(Capabilities::CONNECTIONS);

/// Returns the numbers of the protocol's turns whose requests are answered.
pub(super) fn answered_turns(protocol: &Protocol) -> Vec<usize> {
    let turns = protocol.turns().iter().enumerate();
    turns.filter(|(_, turn)| turn.has_reply()).map(|(number, _)| number).collect()
}

/// Returns the number of the protocol's turn that a check uses if it uses only one: one that carries content, if
/// there is any.
pub(super) fn usual_turn(protocol: &Protocol) -> usize {
    let carries = protocol.turns().iter().position(|turn| turn.carries_payload() && turn.has_reply());
    carries.or_else(|| answered_turns(protocol).first().copied()).unwrap_or_default()
}

/// Returns how many of `wanted` bytes of content a request of `turn` can carry. A turn that carries none stands for a
/// few.
pub(super) fn content_length(turn: &Turn, wanted: usize) -> usize {
    const STANDS_FOR: usize = 16;
    let most = turn.max_payload().and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    if turn.carries_payload() { wanted.min(most) } else { STANDS_FOR }
}

/// Returns a request of `turn` as long as every other request of the turn with as much content.
pub(super) fn sample_request(turn: &Turn, length: usize) -> Request {
    turn.new_request(Token::new(0), Some(vec![b'x'; length].into()))
}

/// Returns how many bytes of content a request of `turn` can carry if it is to be cut at every one of `offsets` places.
pub(super) fn content_to_cut(turn: &Turn, offsets: usize) -> usize {
    const LEAST: usize = 16;
    content_length(turn, content_within(turn, offsets + 1).unwrap_or_default().max(LEAST))
}

/// Returns the largest number of bytes of content with which a request of `turn` is no longer than `length`. `None` if
/// it is longer without content.
pub(super) fn content_within(turn: &Turn, length: usize) -> Option<usize> {
    let is_within = |content: usize| sample_request(turn, content).bytes().len() <= length;
    let (mut fits, mut too_long) = (0, length + 1);
    is_within(fits).then_some(())?;
    while too_long - fits > 1 {
        let middle = fits.midpoint(too_long);
        *if is_within(middle) { &mut fits } else { &mut too_long } = middle;
    }
    Some(fits)
}

/// Returns at most `most` offsets at which to cut `request` into two pieces: first those where a mistake is most
/// likely, then others, from coarse steps to fine ones. If the request is short, these are all its offsets.
pub(super) fn cut_offsets(request: &Request, most: usize) -> Vec<usize> {
    let mut offsets = request.cut_offsets();
    let mut others: Vec<_> =
        (1..request.bytes().len()).filter(|at| offsets.binary_search(at).is_err()).collect();
    others.sort_unstable_by_key(|at| at.reverse_bits());
    offsets.extend(others);
    offsets.truncate(most);
    offsets
}

/// Waits at most `limit` until the server has read everything that `client` sent, or longer if the server could not run
/// in that time. Returns false if it has not read everything.
pub(super) fn await_read(server: &Server, client: &Client, limit: Duration) -> check::Result<bool> {
    let read = until(limit, || Ok(client.is_read_by_server().then_some(())))?;
    if read.is_some() || limit.is_zero() {
        return Ok(read.is_some());
    }
    server.await_reaction()?;
    Ok(client.is_read_by_server())
}

/// Shows where a request was cut into two pieces: its offset, and the bytes before and after it.
pub(super) fn describe_cut(request: &Request, offset: usize) -> String {
    const SHOWN: usize = 16;
    let (before, after) = request.bytes().split_at(offset);
    let lead = if before.len() > SHOWN { "…" } else { "" };
    let before = &before[before.len().saturating_sub(SHOWN)..];
    format!(
        "cut at byte {offset} of {}: {lead}{} | {}",
        request.bytes().len(),
        excerpt(before),
        excerpt(&after[..after.len().min(SHOWN)])
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(length: usize) -> Request {
        sample_request(&Protocol::built_in("redis").unwrap().turns()[0], length)
    }

    #[test]
    fn short_request_is_cut_at_every_offset() {
        let request = request(300);
        let mut all = cut_offsets(&request, 1000);
        all.sort_unstable();
        assert_eq!(all, (1..request.bytes().len()).collect::<Vec<_>>());
    }

    #[test]
    fn content_makes_a_request_as_long_as_wanted() {
        for (name, offsets) in [("redis", 1000), ("redis", 60), ("postgres", 999), ("line", 1000)] {
            let protocol = Protocol::built_in(name).unwrap();
            let turn = &protocol.turns()[0];
            let request = sample_request(turn, content_to_cut(turn, offsets));
            // Base64 encodes three bytes in four.
            let length = request.bytes().len();
            assert!((offsets - 3..=offsets + 1).contains(&length), "{name}: {length}");
            assert_eq!(cut_offsets(&request, offsets).len(), length - 1);
        }
    }

    #[test]
    fn long_request_is_cut_at_line_ends_and_evenly() {
        let request = request(100_000);
        let mut some = cut_offsets(&request, 100);
        assert!(some.len() == 100 && request.cut_offsets().iter().all(|cut| some.contains(cut)));
        some.sort_unstable();
        assert!(some.windows(2).all(|pair| pair[1] - pair[0] < 2500), "{some:?}");
    }

    #[test]
    fn cut_shows_bytes_on_both_sides() {
        let protocol = Protocol::inline(r"GET {token}\r\n", r"{token}\r\n").unwrap();
        let request = sample_request(&protocol.turns()[0], 1);
        assert!(describe_cut(&request, 4).starts_with(r#"cut at byte 4 of 18: "GET " | ""#));
    }
}

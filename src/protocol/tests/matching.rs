use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use proptest::prelude::*;

use super::{Seen, feed, request, request_of};
use crate::protocol::{Protocol, ReplyProgress, Token};

#[test]
fn a_reply_ends_where_its_pattern_first_matches() {
    let request = request("{token}\n", r"{any}{token}\n");
    let token = request.token();
    let reply = format!("hello {token}\nmore");
    assert_eq!(feed(request.expected().matcher(), reply.as_bytes(), &[]), Seen::Complete(6 + 12 + 1));
}

#[test]
fn the_first_wrong_byte_is_named() {
    let request = request("{token}", r"received msg: {token}\n");
    let ReplyProgress::Mismatch(wrong) = request.expected().matcher().push(b"received mag: x") else {
        panic!()
    };
    assert_eq!(wrong.offset, 10);
    assert_eq!(wrong.expected, "`sg: `");
    assert_eq!(wrong.found, b"ag: x");
    assert_eq!(wrong.before, b"received m");
    assert_eq!(&wrong.expected_bytes[..4], b"sg: ");
}

#[test]
fn a_token_of_another_exchange_is_wrong_where_it_differs() {
    let request = request("{token}", r"<{token}>");
    let other = Token::new(2);
    let wrong = feed(request.expected().matcher(), format!("<{other}>").as_bytes(), &[]);
    let token = request.token();
    assert_eq!(wrong, Seen::Wrong(1, format!("the token `{token}`"), b"<".to_vec()));
}

#[test]
fn all_that_may_follow_is_expected() {
    let request = request("a", r"{digits}{space}ok\n");
    let Seen::Wrong(offset, expected, _) = feed(request.expected().matcher(), b"12x", &[]) else { panic!() };
    assert_eq!((offset, expected.as_str()), (2, "a digit or a space or tab"));
}

#[test]
fn lines_with_one_beginning_may_precede_the_last() {
    let request = request("a", r"{lines:220-}220 {line}\r\n");
    let matcher = || request.expected().matcher();
    assert_eq!(feed(matcher(), b"220 ready\r\n250", &[]), Seen::Complete(11));
    assert_eq!(feed(matcher(), b"220-no 220 yet\r\n220-\r\n220 b\r\n", &[3, 16]), Seen::Complete(29));
    let Seen::Wrong(offset, expected, _) = feed(matcher(), b"220-a\r\n221 b\r\n", &[]) else { panic!() };
    assert_eq!((offset, expected.as_str()), (9, "`0-` or `0 `"));
}

#[test]
fn a_length_in_digits_counts_the_body() {
    let request = request("a", r"${length}\r\n{body}\r\n");
    let matcher = || request.expected().matcher();
    assert_eq!(feed(matcher(), b"$5\r\na\r\nbc\r\n$", &[]), Seen::Complete(11));
    assert_eq!(feed(matcher(), b"$0\r\n\r\n", &[3]), Seen::Complete(6));
    let Seen::Wrong(offset, ..) = feed(matcher(), b"$3\r\nabcd", &[]) else { panic!() };
    assert_eq!(offset, 7);
}

#[test]
fn a_binary_length_counts_the_body() {
    let request = request_of("send = 'a'\nexpect = 'T{length:u32be+4}{body}!'", None);
    let matcher = || request.expected().matcher();
    assert_eq!(feed(matcher(), b"T\0\0\0\x06ab!", &[2, 6]), Seen::Complete(8));
    let Seen::Wrong(offset, ..) = feed(matcher(), b"T\0\0\0\x03ab!", &[]) else { panic!() };
    assert_eq!(offset, 4);
}

#[test]
fn a_payload_of_32_mib_is_compared_as_a_whole() {
    let echo = Protocol::echo();
    let payload: Arc<[u8]> = crate_payload(32 << 20).into();
    let request = echo.turns()[0].new_request(Token::new(1), Some(payload.clone()));
    // The processor time of this thread: on a busy machine it waits longer than it works.
    let worked = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap());
    let before = worked();
    let mut matcher = request.expected().matcher();
    for (index, piece) in payload.chunks(64 * 1024).enumerate() {
        let done = index == 511;
        assert_eq!(matches!(matcher.push(piece), ReplyProgress::Complete { .. }), done);
    }
    // Far more than a comparison takes, far less than a step for each byte.
    let time = worked() - before;
    assert!(time < Duration::from_secs(1), "{time:?}");
}

#[test]
fn a_wrong_byte_deep_in_a_payload_is_named() {
    let echo = Protocol::echo();
    let payload = crate_payload(5 << 20);
    let request = echo.turns()[0].new_request(Token::new(1), Some(payload.clone().into()));
    let mut reply = payload;
    reply[3_000_000] ^= 1;
    let Seen::Wrong(offset, expected, before) = feed(request.expected().matcher(), &reply, &[70_000]) else {
        panic!()
    };
    assert_eq!(offset, 3_000_000);
    assert!(expected.starts_with("byte 3000000 of the payload"), "{expected}");
    assert_eq!(before, reply[3_000_000 - 24..3_000_000]);
}

fn crate_payload(length: usize) -> Vec<u8> {
    let mut state = 7u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn a_turn_of_nothing_but_a_payload_carries_the_token() {
    let request = Protocol::echo().turns()[0].new_request(Token::new(5), None);
    assert_eq!(request.bytes(), Token::new(5).as_bytes());
}

#[test]
fn a_message_must_match_as_a_whole() {
    let request = request_of("over = ['message']\nsend = '{token}'\nexpect = '{token}!'", None);
    let token = request.token();
    let matches = |message: String| request.expected().match_message(message.as_bytes());
    assert!(matches(format!("{token}!")).is_ok());
    assert_eq!(matches(format!("{token}!!")).unwrap_err().offset, 13);
    let short = matches(format!("{token}")).unwrap_err();
    assert_eq!((short.offset, short.found.len()), (12, 0));
}

#[test]
fn kept_bytes_are_those_of_the_reply() {
    let request = request("a", r"{line}\n");
    let ReplyProgress::Complete { reply, .. } =
        request.expected().matcher().keep_bytes(3).push(b"hello\nmore")
    else {
        panic!()
    };
    assert_eq!((reply.length, &reply.bytes[..]), (6, &b"hel"[..]));
}

#[test]
fn cuts_are_at_edges_and_line_ends() {
    let request = request(r"GET {token} x\r\n\r\n", r"\n");
    assert_eq!(request.cut_offsets(), [1, 4, 16, 18, 19, 20, 21]);
}

/// A segment of a random pattern, as the test's own simple matcher reads it.
#[derive(Debug, Clone)]
enum Segment {
    Text(&'static str),
    Class(&'static str, fn(u8) -> bool, usize, Option<usize>),
}

fn segments() -> impl Strategy<Value = Vec<Segment>> {
    let segment = prop_oneof![
        Just(Segment::Text("a")),
        Just(Segment::Text("ab")),
        Just(Segment::Text("aab")),
        Just(Segment::Text("1")),
        Just(Segment::Text("1a")),
        Just(Segment::Class("{any}", |_| true, 0, None)),
        Just(Segment::Class("{any:2}", |_| true, 2, Some(2))),
        Just(Segment::Class("{digits}", |byte| byte.is_ascii_digit(), 1, None)),
        Just(Segment::Class("{digits:2}", |byte| byte.is_ascii_digit(), 2, Some(2))),
        Just(Segment::Class("{line}", |byte| byte != b'\n' && byte != b'\r', 0, None)),
        Just(Segment::Class("{hex}", |byte| byte.is_ascii_hexdigit(), 1, None)),
    ];
    let end = prop_oneof![Just(Segment::Text("b")), Just(Segment::Text("\n")), Just(Segment::Text("a1"))];
    (prop::collection::vec(segment, 0..5), end).prop_map(|(mut segments, end)| {
        segments.push(end);
        segments
    })
}

/// Whether `bytes` match all of `segments`, or, with `prefix`, may begin a match. A simple second matcher for
/// comparison.
fn oracle(segments: &[Segment], bytes: &[u8], prefix: bool) -> bool {
    let Some((first, rest)) = segments.split_first() else { return bytes.is_empty() };
    if prefix && bytes.is_empty() {
        return true;
    }
    match first {
        Segment::Text(text) => match bytes.strip_prefix(text.as_bytes()) {
            Some(bytes) => oracle(rest, bytes, prefix),
            None => prefix && text.as_bytes().starts_with(bytes),
        },
        Segment::Class(_, contains, least, most) => {
            let run =
                bytes.iter().take_while(|byte| contains(**byte)).count().min(most.unwrap_or(usize::MAX));
            (*least..=run).any(|taken| oracle(rest, &bytes[taken..], prefix))
                || (prefix && run == bytes.len())
        }
    }
}

fn oracle_result(segments: &[Segment], bytes: &[u8]) -> Seen {
    for length in 0..=bytes.len() {
        if oracle(segments, &bytes[..length], false) {
            return Seen::Complete(length as u64);
        }
        if !oracle(segments, &bytes[..length], true) {
            return Seen::Wrong(length as u64 - 1, String::new(), Vec::new());
        }
    }
    Seen::More
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn the_matcher_agrees_with_a_search_of_all_ways(
        segments in segments(),
        bytes in prop::collection::vec(prop::sample::select(&b"aab1\n"[..]), 0..14),
        cuts in prop::collection::vec(any::<usize>(), 0..4),
    ) {
        let pattern: String = segments.iter().map(|segment| match segment {
            Segment::Text(text) => text.replace('\n', r"\n"),
            Segment::Class(text, ..) => (*text).to_string(),
        }).collect();
        let request = request("x", &pattern);
        let whole = feed(request.expected().matcher(), &bytes, &[]);
        let pieces = feed(request.expected().matcher(), &bytes, &cuts);
        prop_assert_eq!(&whole, &pieces);
        let wanted = oracle_result(&segments, &bytes);
        match (&whole, &wanted) {
            (Seen::Wrong(at, expected, _), Seen::Wrong(wanted, ..)) => {
                prop_assert_eq!(at, wanted, "{}", pattern);
                prop_assert!(!expected.is_empty());
            }
            _ => prop_assert_eq!(&whole, &wanted, "{}", pattern),
        }
    }
}

use proptest::prelude::*;

use super::{Seen, feed, request_of};
use crate::protocol::{Protocol, Reply, ReplyProgress, Request, Token};

fn get(expect: &str) -> Request {
    request_of(&format!("send = 'GET / HTTP/1.1\\r\\n\\r\\n'\nframe = \"http\"\n{expect}"), None)
}

/// Returns the offset and the expectation of the mismatch that `bytes` cause in an HTTP response.
fn wrong(expect: &str, bytes: &str) -> (u64, String) {
    match feed(get(expect).expected().matcher(), bytes.as_bytes(), &[]) {
        Seen::Wrong(offset, expected, _) => (offset, expected),
        other => panic!("{bytes:?}: {other:?}"),
    }
}

fn complete(request: &Request, bytes: &str) -> (usize, Reply) {
    match request.expected().matcher().push(bytes.as_bytes()) {
        ReplyProgress::Complete { consumed, reply } => (consumed, reply),
        other => panic!("{bytes:?}: {other:?}"),
    }
}

#[test]
fn http_bodies_end_as_their_head_says() {
    let request = get("");
    for (head, body) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "hello"),
        ("HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", ""),
        ("HTTP/1.1 200\r\nContent-Length: 5, 5\r\n\r\n", "hello"),
        ("HTTP/1.1 204 No Content\r\n\r\n", ""),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", ""),
        ("HTTP/1.1 404 Not Found\nContent-Length: 2\n\n", "no"),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", "x"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 3\r\n\r\n",
            "A;x=\"y\"\r\n0123456789\r\n00\r\nT: t\r\n\r\n",
        ),
        ("HTTP/1.1 200 OK\r\nX: a\r\n folded: line\r\nContent-Length: 1\r\n\r\n", "y"),
    ] {
        let (consumed, reply) = complete(&request, &format!("{head}{body}HTTP/1.1 200"));
        assert_eq!(consumed, head.len() + body.len(), "{head}");
        assert!(!reply.closes, "{head}");
    }
}

#[test]
fn a_response_to_head_has_no_body() {
    let request = request_of("send = 'HEAD / HTTP/1.1\\r\\n\\r\\n'\nframe = \"http\"", None);
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n";
    assert_eq!(complete(&request, head).0, head.len());
}

#[test]
fn a_body_without_length_ends_with_the_connection() {
    let mut matcher = get("expect = 'abc'").expected().matcher();
    assert_eq!(matcher.push(b"HTTP/1.0 200 OK\r\nContent-Type: x\r\n\r\nabc"), ReplyProgress::NeedMore);
    let reply = matcher.end_of_stream().unwrap();
    assert_eq!((reply.status, reply.closes), (Some(200), true));
}

#[test]
fn connections_close_as_their_head_says() {
    let request = get("");
    for (head, closes) in [
        ("HTTP/1.1 200 OK\r\n", false),
        ("HTTP/1.1 200 OK\r\nConnection: Close\r\n", true),
        ("HTTP/1.0 200 OK\r\n", true),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", false),
    ] {
        let (_, reply) = complete(&request, &format!("{head}Content-Length: 0\r\n\r\n"));
        assert_eq!(reply.closes, closes, "{head}");
    }
}

#[test]
fn the_first_wrong_byte_of_a_response_is_named() {
    assert_eq!(wrong("", "+PONG\r\n"), (0, "a status line `HTTP/1.1 …`".into()));
    assert_eq!(wrong("", "HTTP/2 200\r\n").0, 5);
    assert_eq!(wrong("", "HTTP/1.1 503 Busy\r\n"), (9, "a status below 500".into()));
    assert_eq!(wrong("status = 200", "HTTP/1.1 204 No\r\n"), (11, "status 200".into()));
    assert_eq!(wrong("status = '2xx'", "HTTP/1.1 302 No\r\n"), (9, "status 2xx".into()));
    assert_eq!(wrong("", "HTTP/1.1 200 OK\r\nno colon\r\n"), (19, "a header field's name".into()));
    assert_eq!(wrong("", "HTTP/1.1 200 OK\r\nname\r\n"), (21, "a `:` after the field's name".into()));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(wrong("", &format!("{chunked}zz")), (chunked.len() as u64, "a chunk's size".into()));
    assert_eq!(
        wrong("", &format!("{chunked}1\r\nxy")),
        (chunked.len() as u64 + 4, r"`\r\n` after the chunk".into())
    );
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
    assert_eq!(wrong("expect = 'abc'", &format!("{head}abx")).0, head.len() as u64 + 2);
    assert_eq!(wrong("expect = 'abcd'", &format!("{head}abc")).0, head.len() as u64 + 3);
}

#[test]
fn a_response_that_is_cut_off_says_what_is_missing() {
    for (bytes, missing) in [
        ("", "a whole status line `HTTP/1.1 …`"),
        ("HTTP/1.1 200 OK\r\nA: b", "the rest of the head"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "3 more bytes of the body"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "3 more bytes of the chunk"),
    ] {
        let mut matcher = get("").expected().matcher();
        assert_eq!(matcher.push(bytes.as_bytes()), ReplyProgress::NeedMore);
        let mismatch = matcher.end_of_stream().unwrap_err();
        assert_eq!((mismatch.offset, mismatch.expected.as_str()), (bytes.len() as u64, missing));
    }
}

#[test]
fn a_prefix_says_the_length_on_streams_only() {
    let text = "over = ['stream', 'message']\nprefix = 'u16be'\nsend = '{token}'\nexpect = '{token}!'";
    let request = request_of(text, None);
    let token = request.token();
    assert_eq!(request.bytes(), format!("\0\x0c{token}").as_bytes());
    assert_eq!(request.message(), token.as_bytes());
    let reply = format!("\0\x0d{token}!rest");
    assert_eq!(feed(request.expected().matcher(), reply.as_bytes(), &[1, 2, 3]), Seen::Complete(15));
    assert!(request.expected().match_message(format!("{token}!").as_bytes()).is_ok());
    let wrong = feed(request.expected().matcher(), b"\0\x0e", &[]);
    assert_eq!(wrong, Seen::Wrong(1, "a length of 13".into(), b"\0".to_vec()));
}

#[test]
fn a_length_inside_the_reply_finds_its_end() {
    let text = "send = 'x'\nexpect = 'R{any:4}ok{any}'\nframe = { length = 'u32be+4', at = 1 }";
    let request = request_of(text, None);
    let matcher = || request.expected().matcher();
    assert_eq!(feed(matcher(), b"R\0\0\0\x08ok..R", &[3]), Seen::Complete(9));
    assert_eq!(feed(matcher(), b"R\0\0\0\x05o", &[]), Seen::Wrong(6, "`k`".into(), b"R\0\0\0\x05o".to_vec()));
    let text = "send = 'x'\nframe = { length = 'varint', at = 1 }";
    let request = request_of(text, None);
    let mut reply = b"\x30\x81\x01".to_vec();
    reply.extend([7; 129]);
    assert_eq!(feed(request.expected().matcher(), &reply, &[2]), Seen::Complete(132));
}

#[test]
fn a_reply_may_end_with_the_connection() {
    let request = request_of("send = 'x'\nexpect = '{any}!'\nframe = 'end'", None);
    let mut matcher = request.expected().matcher();
    assert_eq!(matcher.push(b"a!b!"), ReplyProgress::NeedMore);
    assert!(matcher.end_of_stream().is_ok());
    let mut matcher = request.expected().matcher();
    assert_eq!(matcher.push(b"a!b"), ReplyProgress::NeedMore);
    assert_eq!(matcher.end_of_stream().unwrap_err().offset, 3);
}

#[test]
fn every_built_in_reply_is_recognised() {
    let token = Token::new(1);
    let id = &token.as_str()[..2];
    let hex: String = b"pay".iter().map(|byte| format!("{byte:02x}")).collect();
    let row = format!("T\0\0\0\x05xD\0\0\0\x10\0\x01\0\0\0\x06{hex}C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I");
    let replies = [
        ("echo", "pay".to_string()),
        ("line", format!("{token}cGF5\n")),
        ("redis", "$3\r\npay\r\n".into()),
        ("memcached", format!("VALUE {token} 0 3\r\npay\r\nEND\r\n")),
        ("smtp", "250 2.0.0 OK\r\n".into()),
        ("dns", format!("\0\x23{id}\x01\x05\0\x01\0\0\0\0\0\0\x0c{token}\x04test\0\0\x01\0\x01")),
        ("postgres", row),
        ("postgres-ssl", "N".into()),
        ("beanstalkd", format!("USING {token}\r\n")),
    ];
    let mqtt = [b"\xb0\x02", id.as_bytes()].concat();
    let replies = replies.into_iter().map(|(name, reply)| (name, reply.into_bytes()));
    for (name, reply) in replies.chain([("mqtt", mqtt)]) {
        let protocol = Protocol::built_in(name).unwrap();
        let turn = &protocol.turns()[0];
        let payload = turn.takes_payload().then(|| b"pay"[..].into());
        let request = turn.new_request(token, payload);
        let seen = feed(request.expected().matcher(), &reply, &[]);
        assert_eq!(seen, Seen::Complete(reply.len() as u64), "{name}");
    }
}

#[derive(Debug, Clone)]
struct Response {
    bytes: Vec<u8>,
    body: Vec<u8>,
}

fn response() -> impl Strategy<Value = Response> {
    let body = prop::collection::vec(prop::sample::select(&b"\r\n0a5:"[..]), 0..40);
    let sizes = prop::collection::vec(1usize..9, 0..12);
    let end = prop::sample::select(&["\r\n", "\n"][..]);
    (body, sizes, any::<bool>(), any::<bool>(), end).prop_map(|(body, sizes, chunked, interim, end)| {
        let mut bytes = Vec::new();
        if interim {
            bytes.extend(format!("HTTP/1.1 103 Early{end}Link: x{end}{end}").bytes());
        }
        bytes.extend(format!("HTTP/1.1 200 OK{end}Server: x{end}").bytes());
        if !chunked {
            bytes.extend(format!("Content-Length: {}{end}{end}", body.len()).bytes());
            bytes.extend(&body);
            return Response { bytes, body };
        }
        bytes.extend(format!("Transfer-Encoding: chunked{end}{end}").bytes());
        let mut rest = &body[..];
        for size in sizes.into_iter().chain([40]) {
            let (chunk, after) = rest.split_at(size.min(rest.len()));
            if !chunk.is_empty() {
                let extension = if size % 2 == 0 { "" } else { ";a=b" };
                bytes.extend(format!("{:x}{extension}{end}", chunk.len()).bytes());
                bytes.extend(chunk);
                bytes.extend(end.bytes());
            }
            rest = after;
        }
        bytes.extend(format!("0{end}Trailer: y{end}{end}").bytes());
        Response { bytes, body }
    })
}

proptest! {
    #[test]
    fn http_responses_end_at_their_end_in_any_pieces(
        response in response(),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
        after in prop::sample::select(&["", "HTTP/1.1 200 OK", "\r\n"][..]),
    ) {
        let escaped: String = response.body.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = format!("send = 'GET / HTTP/1.1\\r\\n\\r\\n'\nframe = 'http'\nexpect_hex = '{escaped}{{any}}'");
        let request = request_of(&text, None);
        let bytes = [&response.bytes[..], after.as_bytes()].concat();
        let length = response.bytes.len() as u64;
        prop_assert_eq!(feed(request.expected().matcher(), &bytes, &cuts), Seen::Complete(length));
        for end in 0..response.bytes.len() {
            prop_assert_eq!(feed(request.expected().matcher(), &bytes[..end], &cuts), Seen::More);
        }
    }
}

#[test]
fn a_payload_fits_into_request_and_reply() {
    let most = |text: &str| Protocol::from_toml(text, "my.toml").unwrap().max_payload();
    let prefixed = |send, expect| most(&format!("prefix = 'u16be'\nsend = '{send}'\nexpect = '{expect}'"));
    assert_eq!(prefixed("abc{payload}", "{payload}"), Some(65_532));
    assert_eq!(prefixed("{payload}", "abcd{payload}"), Some(65_531));
    assert_eq!(prefixed("{payload}", r"{line}\n{payload}"), Some(32_767));
}

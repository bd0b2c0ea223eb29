use std::sync::Arc;

use proptest::prelude::*;

use crate::protocol::{Codec, CorrectReply, Protocol, ReplyKind, Tokens};

fn codec_of(protocol: Protocol) -> Codec {
    Codec::new(Arc::new(protocol), Tokens::new(0, 1))
}

fn built_in(name: &str) -> Codec {
    codec_of(Protocol::built_in(name).unwrap())
}

fn from_toml(text: &str) -> Codec {
    codec_of(Protocol::from_toml(text, "test.toml").unwrap())
}

/// Returns all bytes that the codec may send now, and marks them as written.
fn write(codec: &mut Codec) -> Vec<u8> {
    let mut written = Vec::new();
    loop {
        let bytes = codec.bytes_to_send().to_vec();
        if bytes.is_empty() {
            return written;
        }
        codec.mark_written(bytes.len());
        written.extend(bytes);
    }
}

fn answers(codec: &mut Codec) -> Vec<CorrectReply> {
    std::iter::from_fn(|| codec.next_correct_reply()).collect()
}

#[test]
fn the_content_of_a_request_comes_out_when_it_is_answered() {
    let mut codec = built_in("redis");
    codec.queue_content(b"hello");
    assert_eq!(write(&mut codec), b"*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n");
    codec.receive_bytes(b"$5\r\nhel").unwrap();
    assert_eq!((codec.next_correct_reply(), codec.partial_reply_length()), (None, 7));
    codec.receive_bytes(b"lo\r\n").unwrap();
    let answer = codec.next_correct_reply().unwrap();
    assert_eq!((&answer.content[..], answer.part), (&b"hello"[..], ReplyKind::Exchange));
    assert_eq!(codec.count_unanswered(), 0);
}

#[test]
fn content_stands_behind_a_request_that_carries_none() {
    let mut codec = built_in("beanstalkd");
    codec.queue_content(b"anything");
    let sent = String::from_utf8(write(&mut codec)).unwrap();
    let token = sent.trim().strip_prefix("use ").unwrap();
    codec.receive_bytes(format!("USING {token}\r\n").as_bytes()).unwrap();
    assert_eq!(&codec.next_correct_reply().unwrap().content[..], b"anything");
}

#[test]
fn greeting_and_opening_come_first() {
    let mut codec = built_in("smtp");
    codec.queue_content(b"x");
    assert_eq!(write(&mut codec), b"");
    codec.receive_bytes(b"220 here\r\n").unwrap();
    assert_eq!(write(&mut codec), b"HELO localhost\r\n");
    codec.receive_bytes(b"250 hello\r\n").unwrap();
    assert_eq!(write(&mut codec), b"NOOP\r\n");
    codec.receive_bytes(b"250 ok\r\n").unwrap();
    let parts: Vec<ReplyKind> = answers(&mut codec).iter().map(|answer| answer.part).collect();
    assert_eq!(parts, [ReplyKind::Greeting, ReplyKind::Opening, ReplyKind::Exchange]);
}

#[test]
fn without_pipelining_one_request_waits_for_the_other() {
    let mut codec = from_toml(
        r"send = 'a\n'
expect = 'b\n'",
    );
    codec.queue_content(b"1");
    codec.queue_content(b"2");
    assert_eq!(write(&mut codec), b"a\n");
    codec.receive_bytes(b"b\n").unwrap();
    assert_eq!(write(&mut codec), b"a\n");
    let mut codec = from_toml(
        r"send = 'a\n'
expect = 'b\n'",
    )
    .pipelining(true);
    codec.queue_content(b"1");
    codec.queue_content(b"2");
    assert_eq!(write(&mut codec), b"a\na\n");
    codec.receive_bytes(b"b\nb\n").unwrap();
    assert_eq!(answers(&mut codec).len(), 2);
}

#[test]
fn bytes_that_nothing_asked_for_are_refused() {
    let mut codec = built_in("redis");
    let wrong = codec.receive_bytes(b"+OK\r\n").unwrap_err();
    assert!(wrong.unasked);
    codec.queue_content(b"a");
    write(&mut codec);
    let wrong = codec.receive_bytes(b"$1\r\na\r\nmore").unwrap_err();
    assert!(wrong.unasked);
    assert_eq!((wrong.number, &wrong.mismatch.found[..]), (2, &b"more"[..]));
}

#[test]
fn an_answer_to_half_a_request_is_early() {
    let mut codec = built_in("beanstalkd");
    codec.queue_content(b"");
    let request = codec.bytes_to_send().to_vec();
    codec.mark_written(5);
    let wrong = codec.receive_bytes(b"UNKNOWN_COMMAND\r\n").unwrap_err();
    assert!(wrong.early);
    let mut codec = built_in("beanstalkd");
    codec.queue_content(b"");
    assert_eq!(codec.bytes_to_send(), request);
    codec.mark_written(request.len() - 1);
    codec.receive_bytes(&[b"USING ", &request[4..]].concat()).unwrap();
    assert!(codec.next_correct_reply().unwrap().early);
}

#[test]
fn a_request_without_reply_is_answered_when_it_is_written() {
    let mut codec = built_in("discard");
    codec.queue_content(b"x");
    let length = codec.bytes_to_send().len();
    codec.mark_written(length - 1);
    assert_eq!(codec.next_correct_reply(), None);
    codec.mark_written(1);
    assert_eq!(&codec.next_correct_reply().unwrap().content[..], b"x");
}

#[test]
fn the_end_of_the_connection_ends_a_reply_or_cuts_it_off() {
    let mut codec = built_in("daytime");
    codec.receive_bytes(b"Friday").unwrap();
    codec.end_of_stream().unwrap();
    assert_eq!(codec.next_correct_reply().unwrap().part, ReplyKind::Greeting);
    let mut codec = built_in("redis");
    codec.queue_content(b"abc");
    write(&mut codec);
    codec.receive_bytes(b"$3\r\na").unwrap();
    let wrong = codec.end_of_stream().unwrap_err();
    assert_eq!(wrong.mismatch.offset, 5);
    assert_eq!(wrong.mismatch.expected, "byte 1 of the payload, `bc`");
}

#[test]
fn long_content_is_cut_to_what_a_request_carries() {
    let mut codec = built_in("line");
    let content = vec![b'x'; 7000];
    codec.queue_content(&content);
    assert_eq!(codec.count_unanswered(), 3);
    let mut back = Vec::new();
    for _ in 0..3 {
        let request = write(&mut codec);
        codec.receive_bytes(&request).unwrap();
        back.extend(answers(&mut codec).iter().flat_map(|answer| answer.content.to_vec()));
    }
    assert_eq!(back, content);
}

#[test]
fn a_wrong_reply_names_its_request() {
    let mut codec = from_toml(
        r"send = 'a\n'
expect = 'b\n'",
    );
    codec.queue_content(b"");
    write(&mut codec);
    let wrong = codec.receive_bytes(b"c\n").unwrap_err();
    let shown = r"reply 1, to `a\n`, is wrong: at byte 0 of the reply: expected `b\n`, found `c` (0x63)";
    assert_eq!(wrong.to_string(), shown);
}

#[test]
fn a_reply_that_never_began_is_not_called_wrong() {
    let mut codec = from_toml(
        r"send = 'GET a\n\n'
expect = 'b\n'",
    );
    codec.queue_content(b"");
    write(&mut codec);
    let wrong = codec.end_of_stream().unwrap_err();
    assert_eq!(wrong.to_string(), r"reply 1, to `GET a\n…`, ended before its first byte: expected `b\n`");
}

proptest! {
    #[test]
    fn answers_are_the_same_in_any_pieces(
        contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 1..6),
        sizes in prop::collection::vec(1usize..20, 1..20),
    ) {
        let mut codec = built_in("redis");
        contents.iter().for_each(|content| codec.queue_content(content));
        let written = write(&mut codec);
        // A Redis server: each request's last bulk string is its reply.
        let mut replies = Vec::new();
        let mut rest = &written[..];
        while let Some(after) = rest.strip_prefix(b"*2\r\n$4\r\nECHO\r\n") {
            let end = after.iter().position(|byte| *byte == b'\n').unwrap() + 1;
            let length: usize = std::str::from_utf8(&after[1..end - 2]).unwrap().parse().unwrap();
            let (reply, following) = after.split_at(end + length + 2);
            replies.extend(reply);
            rest = following;
        }
        let mut rest = &replies[..];
        for size in sizes.into_iter().cycle() {
            let (piece, following) = rest.split_at(size.min(rest.len()));
            codec.receive_bytes(piece).unwrap();
            rest = following;
            if rest.is_empty() {
                break;
            }
        }
        let back: Vec<Vec<u8>> = answers(&mut codec).iter().map(|answer| answer.content.to_vec()).collect();
        prop_assert_eq!(back, contents);
    }
}

#[test]
fn replies_in_any_order_belong_to_the_requests_that_they_match() {
    let file = "order = 'any'\npipelining = true\nsend = '{payload.hex}?{token}\\n'\nexpect = '{payload.hex}!{token}\\n'";
    for piece in [1, 3, 100] {
        let mut codec = from_toml(file);
        ["ab", "ac", "b"].iter().for_each(|content| codec.queue_content(content.as_bytes()));
        let sent = String::from_utf8(write(&mut codec)).unwrap().replace('?', "!");
        let lines: Vec<_> = sent.split_inclusive('\n').collect();
        let replies = [lines[2], lines[1], lines[0]].concat();
        replies.as_bytes().chunks(piece).for_each(|bytes| codec.receive_bytes(bytes).unwrap());
        let contents: Vec<_> = answers(&mut codec).iter().map(|answer| answer.content.to_vec()).collect();
        assert_eq!(contents, [&b"ab"[..], b"ac", b"b"]);
        assert!(codec.receive_bytes(b"6162").unwrap_err().unasked);
    }
}

#[test]
fn a_reply_in_any_order_that_matches_no_request_is_wrong() {
    let file = "order = 'any'\npipelining = true\nsend = '{payload.hex}?{token}\\n'\nexpect = '{payload.hex}!{token}\\n'";
    let mut codec = from_toml(file);
    codec.queue_content(b"ab");
    codec.queue_content(b"ac");
    write(&mut codec);
    assert!(!codec.receive_bytes(b"6164").unwrap_err().unasked);
}

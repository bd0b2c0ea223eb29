//! Protocols whose messages are JSON.

use std::sync::Arc;

use crate::protocol::{Codec, Protocol, ReplyProgress, Token, Tokens, Tolerance};

fn codec_of(text: &str) -> Codec {
    let protocol = Protocol::from_toml(text, "test.toml").unwrap_or_else(|error| panic!("{error}"));
    Codec::new(Arc::new(protocol), Tokens::new(0, 1))
}

/// Returns the messages that the codec may send now, and marks them as written.
fn write(codec: &mut Codec) -> Vec<serde_json::Value> {
    let mut written = Vec::new();
    loop {
        let bytes = codec.bytes_to_send().to_vec();
        if bytes.is_empty() {
            return written
                .split(|byte| *byte == b'\n')
                .filter_map(|line| serde_json::from_slice(line).ok())
                .collect();
        }
        codec.mark_written(bytes.len());
        written.extend(bytes);
    }
}

const RPC: &str = r#"
json = "lines"
pipelining = true
send = '{"id":{id},"method":"get"}'
expect = '{"id":{id},"result":{"list":[1,{any}]}}'
incoming = [
  { expect = '{"method":"ask","id":{id}}', send = '{"id":{id},"result":{nulls:/params/items}}' },
  { expect = '{"method":{string}}' },
]
"#;

fn two_requests() -> (Codec, Vec<serde_json::Value>) {
    let mut codec = codec_of(RPC);
    codec.queue_content(b"one");
    codec.queue_content(b"two");
    let ids = write(&mut codec).iter().map(|request| request["id"].clone()).collect();
    (codec, ids)
}

#[test]
fn replies_in_any_order_come_out_in_the_order_of_the_requests() {
    let (mut codec, ids) = two_requests();
    let second = format!("{{\"result\": {{\"more\":0, \"list\":[1.0,\"x\"]}}, \"id\":{}}}\n", ids[1]);
    codec.receive_bytes(second.as_bytes()).unwrap();
    assert_eq!(codec.next_correct_reply(), None);
    codec.receive_bytes(format!("{{\"id\":{},\"result\":{{\"list\":[1,2]}}}}\n", ids[0]).as_bytes()).unwrap();
    let contents: Vec<_> =
        std::iter::from_fn(|| codec.next_correct_reply()).map(|answer| answer.content).collect();
    assert_eq!(contents, [b"one"[..].into(), b"two"[..].into()]);
}

#[test]
fn a_second_reply_to_one_request_is_a_fault() {
    let (mut codec, ids) = two_requests();
    let reply = format!("{{\"id\":{},\"result\":{{\"list\":[1,2]}}}}\n", ids[0]);
    codec.receive_bytes(reply.as_bytes()).unwrap();
    let wrong = codec.receive_bytes(reply.as_bytes()).unwrap_err();
    assert!(wrong.unasked, "{wrong}");
}

#[test]
fn a_wrong_value_is_shown_with_its_place() {
    let (mut codec, ids) = two_requests();
    let wrong = codec
        .receive_bytes(format!("{{\"id\":{},\"result\":{{\"list\":[2,2]}}}}\n", ids[1]).as_bytes())
        .unwrap_err();
    assert_eq!(wrong.mismatch.summary(), "at /result/list/0: expected `1`, found 2");
    assert!(String::from_utf8_lossy(&wrong.request).contains(&ids[1].to_string()));
}

#[test]
fn a_request_of_the_server_is_answered_between_two_of_ours() {
    let mut codec = codec_of(RPC);
    codec.queue_content(b"one");
    let first = codec.bytes_to_send().to_vec();
    codec.mark_written(3);
    codec
        .receive_bytes(
            b"{\"method\":\"note\"}\n{\"method\":\"ask\",\"id\":\"a\",\"params\":{\"items\":[1,2]}}\n",
        )
        .unwrap();
    assert_eq!(codec.unasked_count(), 2);
    assert!(!codec.must_answer(), "in the middle of a request");
    assert_eq!(codec.bytes_to_send(), &first[3..]);
    codec.mark_written(first.len() - 3);
    assert!(codec.must_answer());
    assert_eq!(write(&mut codec), [serde_json::json!({"id": "a", "result": [null, null]})]);
}

#[test]
fn a_request_of_the_server_may_have_the_id_of_one_of_ours() {
    let (mut codec, ids) = two_requests();
    codec.receive_bytes(format!("{{\"method\":\"ask\",\"id\":{}}}\n", ids[0]).as_bytes()).unwrap();
    assert_eq!(write(&mut codec), [serde_json::json!({"id": ids[0], "result": []})]);
    assert_eq!(codec.count_unanswered(), 2);
}

#[test]
fn a_log_line_is_a_fault_unless_it_is_tolerated() {
    let (mut codec, _) = two_requests();
    let wrong = codec.receive_bytes(b"ready\n").unwrap_err();
    assert_eq!((wrong.mismatch.offset, &wrong.mismatch.found[..]), (0, &b"ready\n"[..]));
    let (mut codec, _) = two_requests();
    codec.tolerate(Tolerance::Strays);
    codec.receive_bytes(b"ready\n").unwrap();
    assert_eq!(codec.strays(), b"ready\n");
    assert!(codec.receive_bytes(b"{\"id\":7}\n").unwrap_err().unasked);
    codec.tolerate(Tolerance::Anything);
    codec.receive_bytes(b"{\"id\":7}\n").unwrap();
}

#[test]
fn every_message_has_its_frame() {
    let text =
        "json = 'content-length'\nsend = '''\n{\"id\":{id},\n  \"a\":\"é\"}'''\nexpect = '{\"id\":{id}}'";
    let protocol = Protocol::from_toml(text, "test.toml").unwrap();
    let request = protocol.turns()[0].new_request(Token::new(6), None);
    let expected = "Content-Length: 17\r\n\r\n{\"id\":7,\"a\":\"é\"}";
    assert_eq!(String::from_utf8_lossy(request.bytes()), expected);
    let reply = b"Content-Length: 9\r\n\r\n{ \"id\":7}Content";
    let progress = request.expected().matcher().push(reply);
    assert!(matches!(progress, ReplyProgress::Complete { consumed: 30, .. }), "{progress:?}");
}

#[test]
fn an_end_in_the_middle_of_a_message_is_a_fault() {
    let (mut codec, ids) = two_requests();
    codec.receive_bytes(format!("{{\"id\":{}", ids[0]).as_bytes()).unwrap();
    let wrong = codec.end_of_stream().unwrap_err();
    assert!(wrong.mismatch.is_end());
    assert_eq!(wrong.mismatch.expected, "the rest of the message");
}

#[test]
fn ids_of_one_client_differ_and_are_positive() {
    let mut tokens = Tokens::new(u64::MAX - 3, 5);
    let ids: std::collections::HashSet<u32> = (0..10_000).map(|_| tokens.next_token().id()).collect();
    assert_eq!(ids.len(), 10_000);
    assert!(ids.iter().all(|id| (1..=i32::MAX.cast_unsigned()).contains(id)));
}

#[test]
fn the_language_server_protocol_says_goodbye_with_a_status() {
    let protocol = Protocol::built_in("lsp").unwrap();
    assert_eq!((protocol.closing_exchange().len(), protocol.goodbye_status()), (2, Some(0)));
    assert_eq!(protocol.short_goodbye_status(), Some(1));
    let settings = [("process".to_owned(), "null".to_owned())];
    let protocol = Protocol::built_in_with_settings("lsp", &settings).unwrap();
    let request = protocol.opening_exchanges()[0].new_request(Token::new(0), None);
    assert!(String::from_utf8_lossy(request.bytes()).contains("\"processId\":null"));
}

#[test]
fn a_turn_can_have_a_string_as_its_id() {
    let mcp = Protocol::built_in("mcp").unwrap();
    assert!(mcp.is_json_rpc() && mcp.is_lines_of_json());
    let turn = mcp.turns()[0].with_text_id("é-").unwrap();
    let request = turn.new_request(Token::new(7), None);
    let id = format!("é-{}", Token::new(7));
    assert_eq!(request.body(), format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"ping"}}"#).as_bytes());
    let output = format!("{{\"id\":\"{id}\",\"result\":{{}}}}\n{{\"method\":\"x\",\"jsonrpc\":\"2.0\"}}\n");
    assert_eq!(mcp.count_replies(output.as_bytes(), &request), 1);
}

#[test]
fn text_goes_before_a_payload_in_a_string() {
    let jsonl = Protocol::built_in("jsonl").unwrap();
    let turn = &jsonl.turns()[0];
    assert!(turn.is_json_echo() && !jsonl.is_json_rpc());
    let request =
        turn.with_text_before_payload("é").unwrap().new_request(Token::new(1), Some(b"a"[..].into()));
    assert!(String::from_utf8_lossy(request.body()).ends_with(r#""text":"éYQ=="}"#));
    let bare = r#"{"id":{id},"text":{payload}}"#;
    let settings = [("request".into(), bare.into()), ("reply".into(), bare.into())];
    let bare = Protocol::built_in_with_settings("jsonl", &settings);
    assert!(bare.is_err() || bare.unwrap().turns()[0].with_text_before_payload("é").is_none());
}

#[test]
fn a_cancelled_request_is_named_and_may_be_answered() {
    for (name, answered) in [("mcp", false), ("lsp", true)] {
        let protocol = Protocol::built_in(name).unwrap();
        let cancellation = protocol.cancellation().unwrap();
        assert_eq!(cancellation.has_reply(), answered, "{name}");
        let request = cancellation.new_request(Token::new(3), None);
        assert!(String::from_utf8_lossy(request.body()).contains(&Token::new(3).id().to_string()));
    }
}

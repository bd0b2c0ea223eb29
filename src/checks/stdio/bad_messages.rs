//! Checks that a message which the server cannot use costs no other message its answer.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::conversation::{ON_STDIO, begin};
use crate::checks::requests::usual_turn;
use crate::outcome::{Level, Outcome};
use crate::protocol::{Protocol, Token, Tolerance};
use crate::server::{Server, describe_exit};
use crate::transport::Client;

pub const MESSAGES: Check = Check {
    id: "stdio/survives-bad-messages",
    level: Level::Should,
    sentence: "after a message that it cannot use, the server answers the next request",
    why: "one message that a client's fault, or another version of the protocol, makes unusable ends the session with everything that the server knew",
    citations: &[
        "JSON-RPC 2.0 §5.1 (-32700: \"Invalid JSON was received by the server\"; -32600: \"The JSON sent is not a valid Request object\")",
        "JSON-RPC 2.0 §4.2 (params \"MUST be provided as a Structured value\"), §6 (a batch is a list of requests; MCP 2025-06-18 has none)",
        "RFC 8259 §8.2 (the text \"\\uDEAD\", half of a surrogate pair, is allowed; \"the behavior of software that receives JSON texts containing such values is unpredictable\")",
        "RFC 8259 §9 (limits on the depth of nesting, and on the range and precision of numbers)",
        "LSP 3.17, Response Message, ErrorCodes (ParseError, InvalidRequest)",
    ],
    recipe: "send a message, and then a request, and compare its reply; the messages: half a JSON text; bytes that are not UTF-8; a number beyond the range of 64 bits, and one of 400 digits; 10,000 lists, each inside the one before; a number in place of an object; an empty object; the lists [1] and [], which are batches in JSON-RPC; a text that is half of a surrogate pair, in JSON-RPC as an id; in JSON-RPC requests whose params are [] and null; an empty line, where a message is a line. An error as answer to them is allowed, and so is none",
    requires: ON_STDIO,
    run: messages,
};

pub const HEADERS: Check = Check {
    id: "stdio/survives-bad-header",
    level: Level::May,
    sentence: "after a header without a usable Content-Length, the server answers the next request",
    why: "the protocol does not say what a server does then; one that exits loses the session",
    citations: &["LSP 3.17, Base Protocol, Header Part"],
    recipe: "send, in one write, a header whose Content-Length is no number, the empty line after it, and a request; compare the reply; do the same with a header that has only the field Content-Type. For protocols whose messages have a header",
    requires: ON_STDIO,
    run: headers,
};

/// A message that a server cannot use.
struct BadMessage {
    name: &'static str,
    bytes: Vec<u8>,
}

/// The levels of nesting of a message that is too deep for many parsers.
const LEVELS: usize = 10_000;

/// The number of digits of an integer that no type of a common language holds.
const DIGITS: usize = 400;

/// The number of messages after which a server is not asked further, if it survives none of them.
const ENOUGH: usize = 3;

fn messages(server: &mut Server) -> check::Result {
    let protocol = server.spec().protocol().clone();
    if !protocol.is_json() {
        return Err(Finding::unsupported("", "").because("the messages of the protocol are not JSON"));
    }
    let lost = lost_after(server, &bad_messages(&protocol), |client, message| {
        client.send_raw(message)?;
        client.exchange(b"next")
    })?;
    expect_none(&lost, Finding::fail)
}

fn headers(server: &mut Server) -> check::Result {
    let protocol = server.spec().protocol().clone();
    if !protocol.is_json() || protocol.is_lines_of_json() {
        return Err(Finding::unsupported("", "").because("a message of the protocol has no header"));
    }
    let bad = |name, header: &str| BadMessage { name, bytes: format!("{header}\r\n\r\n").into_bytes() };
    let headers = [
        bad("a Content-Length that is no number", "Content-Length: ten"),
        bad("a header without Content-Length", "Content-Type: application/vscode-jsonrpc; charset=utf-8"),
    ];
    // The server may do what it likes, so it is not given long.
    let patience = server.deadlines().reply();
    let turn = protocol.turns()[usual_turn(&protocol)].clone();
    let lost = lost_after(server, &headers, |client, header| {
        client.limit_silence(patience);
        client.ask_written(&turn, |request| [header, request.bytes()].concat())
    })?;
    expect_none(&lost, Finding::info)
}

fn expect_none(lost: &[String], finding: fn(String, String) -> Finding) -> check::Result {
    if lost.is_empty() {
        return Ok(());
    }
    Err(finding(
        "an answer to the next request after each bad message".into(),
        format!("none after {}", lost.join("; none after ")),
    ))
}

/// Returns messages that a server of `protocol` cannot use. A server without JSON-RPC may know some of them.
fn bad_messages(protocol: &Protocol) -> Vec<BadMessage> {
    let json_rpc = protocol.is_json_rpc();
    let nested = [vec![b'['; LEVELS], vec![b']'; LEVELS]].concat();
    let with = |value: &[u8]| -> Vec<u8> {
        // A notification, so that it needs no answer.
        let before: &[u8] = if json_rpc {
            br#"{"jsonrpc":"2.0","method":"echospec/unknown","params":{"value":"#
        } else {
            br#"{"value":"#
        };
        [before, value, if json_rpc { b"}}" } else { b"}" }].concat()
    };
    let mut all = vec![
        ("half a JSON text", br#"{"jsonrpc":"2.0","id":"#.to_vec()),
        ("bytes that are not UTF-8", with(b"\"\xff\xfe\"")),
        ("the number 1e400", with(b"1e400")),
        ("a number of 400 digits", with(&[b'9'; DIGITS])),
        ("10,000 levels of nesting", with(&nested)),
        ("a number in place of an object", b"42".to_vec()),
        ("an empty object", b"{}".to_vec()),
        ("the list [1]", b"[1]".to_vec()),
        ("the list []", b"[]".to_vec()),
    ];
    if json_rpc {
        all.extend(bad_requests(protocol));
    } else {
        all.push((r#"the text "\ud800""#, with(br#""\ud800""#)));
    }
    if protocol.is_lines_of_json() {
        all.push(("an empty line", Vec::new()));
    }
    all.into_iter().map(|(name, body)| BadMessage { name, bytes: protocol.wrap_json(&body) }).collect()
}

/// Returns requests of JSON-RPC with a method that the server knows, whose other members it may not expect.
fn bad_requests(protocol: &Protocol) -> Vec<(&'static str, Vec<u8>)> {
    let turn = protocol.turns().get(usual_turn(protocol));
    let turn = turn.map(|turn| turn.with_text_id("bad-").unwrap_or_else(|| turn.clone()));
    let bad = [
        ("a request with the params []", "params", "[]"),
        ("a request with the params null", "params", "null"),
        (r#"a request with the id "\ud800""#, "id", r#""\ud800""#),
    ];
    let numbered = bad.into_iter().zip(0..);
    let requests = numbered.filter_map(|((name, member, value), number)| {
        let request = turn.as_ref()?.new_request(Token::new(number), Some([].into()));
        Some((name, request.body_with(member, value)?))
    });
    requests.collect()
}

/// Lets a client send each of `messages`, and a request after it, as `ask` does. Returns a description of each after which
/// the request was not answered.
fn lost_after(
    server: &mut Server,
    messages: &[BadMessage],
    ask: impl Fn(&mut Client, &[u8]) -> check::Result,
) -> check::Result<Vec<String>> {
    let mut lost = Vec::new();
    let mut client = None;
    for message in messages {
        let mut one = match client.take() {
            Some(client) => client,
            None => begin_tolerant(server)?,
        };
        match ask(&mut one, &message.bytes) {
            Ok(()) => client = Some(one),
            Err(finding) if is_of_server(&finding) => {
                lost.push(format!("{}: {}", message.name, how_lost(server, &finding)?));
                drop(one);
                // The next message needs a server that was not told of this one.
                if lost.len() == ENOUGH {
                    break;
                }
            }
            Err(finding) => return Err(finding),
        }
    }
    Ok(lost)
}

fn begin_tolerant(server: &mut Server) -> check::Result<Client> {
    Ok(begin(server)?.with_tolerance(Tolerance::Anything))
}

fn is_of_server(finding: &Finding) -> bool {
    matches!(finding.outcome, Outcome::Fail | Outcome::Timeout)
}

/// Describes why the server did not answer: its exit, or what the client saw.
fn how_lost(server: &mut Server, finding: &Finding) -> check::Result<String> {
    // A process closes its descriptors a moment before it exits.
    if finding.outcome == Outcome::Fail {
        server.await_reaction()?;
    }
    let ended = server.instance()?.ended();
    Ok(ended.map_or_else(|| finding.actual.clone(), describe_exit))
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;

    #[test]
    fn notifications_carry_the_bad_values() {
        let protocol = Protocol::built_in("mcp").unwrap();
        let messages = bad_messages(&protocol);
        assert_eq!(messages.len(), 13);
        let large = &messages[2];
        let text = r#"{"jsonrpc":"2.0","method":"echospec/unknown","params":{"value":1e400}}"#;
        assert_eq!(large.bytes, format!("{text}\n").into_bytes());
        assert_eq!(messages[12].bytes, b"\n");
    }

    #[test]
    fn requests_have_one_bad_member_each() {
        let protocol = Protocol::built_in("mcp").unwrap();
        let texts: Vec<_> =
            bad_requests(&protocol).into_iter().map(|(_, body)| String::from_utf8(body).unwrap()).collect();
        assert_eq!(texts.len(), 3);
        let id = Token::new(0);
        assert_eq!(texts[0], format!(r#"{{"id":"bad-{id}","jsonrpc":"2.0","method":"ping","params":[]}}"#));
        assert_eq!(texts[2], r#"{"jsonrpc":"2.0","method":"ping","id":"\ud800"}"#);
    }
}

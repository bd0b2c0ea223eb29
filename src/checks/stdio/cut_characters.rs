//! Checks that text comes back as it was sent, wherever the pipe cuts its characters.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::conversation::{ON_STDIO, begin};
use crate::checks::requests::{await_read, describe_cut, usual_turn};
use crate::outcome::Level::Must;
use crate::protocol::{Protocol, Turn};
use crate::server::Server;
use crate::transport::Client;

pub const CHECK: Check = Check {
    id: "stdio/cut-characters",
    level: Must,
    sentence: "the text of a request comes back as it was sent, also if a read ends in the middle of a character",
    why: "a server that decodes each read by itself turns a character whose bytes arrive in two reads into two replacement characters; a server that counts characters as bytes sends the wrong Content-Length",
    citations: &[
        "pipe(7) (a byte stream: there is no concept of message boundaries)",
        "RFC 8259 §8.1 (UTF-8)",
        "JSON-RPC 2.0 §5 (the id \"MUST be the same as the value of the id member in the Request Object\")",
        "MCP 2025-06-18, Base Protocol (\"Requests MUST include a string or integer ID\")",
        "LSP 3.17, Base Protocol (the content is encoded in utf-8), Request Message (id: integer | string)",
    ],
    recipe: "send a request whose id is a string, first of ASCII, then with characters of two, three and four bytes; compare the id of the reply; send it again for each byte inside these characters: the bytes before it, and the rest once the server has read them. In a protocol that is not JSON-RPC, and whose reply is the request itself, they stand before the payload",
    requires: ON_STDIO,
    run,
};

/// Characters of two, three and four bytes in UTF-8.
const WIDE: &str = "é€😀";

/// Characters of one byte.
const PLAIN: &str = "text-";

/// The content that a request stands for.
const CONTENT: &[u8] = b"text";

fn run(server: &mut Server) -> check::Result {
    let protocol = server.spec().protocol().clone();
    let turn = |text| turn_with_text(&protocol, text);
    let (plain, wide) = (turn(PLAIN)?, turn(WIDE)?);
    let place =
        if protocol.is_json_rpc() { "id of the request is a string that" } else { "text of the request" };
    let explain = |finding: Finding, text| finding.because(format!("the {place} begins with {text}"));
    let mut client = begin(server)?;
    client.ask(&plain).map_err(|finding| explain(finding, PLAIN))?;
    client.ask(&wide).map_err(|finding| explain(finding, WIDE))?;
    let mut separate = false;
    for inside in cuts_inside(WIDE) {
        separate |= ask_in_two(server, &mut client, &wide, inside)?;
    }
    if !separate {
        let wanted = "a server that reads the first piece of a request";
        return Err(Finding::broken(wanted, "it reads both pieces at once"));
    }
    server.leave_open(client);
    Ok(())
}

/// Returns a turn of the protocol whose request and reply hold `text`: the id in JSON-RPC, whose ids may be strings, and
/// the text before the payload in a protocol of values that come back.
fn turn_with_text(protocol: &Protocol, text: &str) -> check::Result<Turn> {
    let turn = protocol.turns().get(usual_turn(protocol));
    let with_text = turn.and_then(|turn| match protocol.is_json_rpc() {
        true => turn.with_text_id(text),
        false => turn.with_text_before_payload(text).filter(|_| turn.is_json_echo()),
    });
    with_text.ok_or_else(|| {
        Finding::unsupported("", "").because("the protocol has no reply that holds a text of its request")
    })
}

/// Returns the offsets in `text` that are inside a character.
fn cuts_inside(text: &str) -> impl Iterator<Item = usize> {
    (1..text.len()).filter(|&offset| !text.is_char_boundary(offset))
}

/// Sends a request in two pieces, cut `inside` its text. Returns whether the server has read the first piece by
/// itself.
fn ask_in_two(server: &Server, client: &mut Client, turn: &Turn, inside: usize) -> check::Result<bool> {
    let request = client.queue_request_of(turn, CONTENT)?;
    let begins = request.bytes().windows(WIDE.len()).position(|bytes| bytes == WIDE.as_bytes());
    let cut = begins.unwrap_or_default() + inside;
    let explain = |finding: Finding| finding.because(describe_cut(&request, cut));
    client.send_piece(cut).map_err(explain)?;
    let read = await_read(server, client, server.deadlines().reply())?;
    // Where the system does not show what the server has read, it gets this time for it.
    client.receive_replies(server.deadlines().quiet() / 30).map_err(explain)?;
    client.send_rest().map_err(explain)?;
    client.expect(CONTENT).map_err(explain)?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_are_inside_characters() {
        assert_eq!(cuts_inside(WIDE).collect::<Vec<_>>(), [1, 3, 4, 6, 7, 8]);
    }

    #[cfg(feature = "json")]
    #[test]
    fn every_protocol_of_json_has_a_request_with_text() {
        for name in ["jsonl", "mcp", "lsp"] {
            assert!(turn_with_text(&Protocol::built_in(name).unwrap(), WIDE).is_ok(), "{name}");
        }
        let other = [("request".into(), "[{id}]".into()), ("reply".into(), r#"{"id":{id}}"#.into())];
        let other = Protocol::built_in_with_settings("jsonl", &other).unwrap();
        assert!(turn_with_text(&other, WIDE).is_err());
    }
}

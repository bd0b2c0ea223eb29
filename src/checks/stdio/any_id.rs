//! The check that a reply has the id of its request, whichever id that is.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::conversation::{ON_STDIO, begin};
use crate::checks::requests::usual_turn;
use crate::outcome::Level::Must;
use crate::protocol::{Protocol, Turn};
use crate::server::Server;

pub const CHECK: Check = Check {
    id: "stdio/any-id",
    level: Must,
    sentence: "a reply has the id of its request, whichever of the ids that the protocol allows that is",
    why: "many clients number their requests from 0, others use texts; a server that takes 0 or an empty text for no id answers nothing, and one that changes an id answers a request that was never sent",
    citations: &[
        "JSON-RPC 2.0 §4 (an id \"MUST contain a String, Number, or NULL value if included\"; without it the message is a notification)",
        "JSON-RPC 2.0 §5 (the id \"MUST be the same as the value of the id member in the Request Object\")",
        "MCP 2025-06-18, Base Protocol, Requests (\"Requests MUST include a string or integer ID\")",
        "LSP 3.17, Base Protocol, Request Message (id: integer | string), and integer (-2^31 to 2^31 - 1)",
        "RFC 8259 §6 (integers up to 2^53 - 1 are interoperable)",
    ],
    recipe: "one after another, send a request with the id 0, a text, -1 and 2147483647, where a message is a line also with a text of U+2028 and U+1F600, 4294967297 and 9007199254740991, and then with the empty text; compare the id of each reply, which may be an error; exchange a message. For JSON-RPC, and for protocols whose replies repeat the request",
    requires: ON_STDIO,
    run,
};

/// An id to ask with.
struct Id {
    json: &'static str,
    name: &'static str,
    /// Whether only protocols whose messages are lines are asked. LSP has no numbers beyond 32 bits.
    for_lines: bool,
}

const IDS: &[Id] = &[
    Id { json: "0", name: "0", for_lines: false },
    Id { json: "\"request-a\"", name: "\"request-a\"", for_lines: false },
    Id { json: "-1", name: "-1", for_lines: false },
    Id { json: "2147483647", name: "2147483647", for_lines: false },
    // Unicode ends a line at U+2028, and JSON lines do not. UTF-16 has two units for the other character.
    Id { json: "\"\u{2028}\u{1f600}\"", name: "the characters U+2028 and U+1F600", for_lines: true },
    Id { json: "4294967297", name: "4294967297", for_lines: true },
    Id { json: "9007199254740991", name: "9007199254740991", for_lines: true },
    Id { json: "\"\"", name: "the empty text", for_lines: false },
];

fn run(server: &mut Server) -> check::Result {
    let protocol = server.spec().protocol().clone();
    let turns = turns(&protocol);
    if turns.is_empty() {
        return Err(Finding::unsupported("", "").because("no request of the protocol has an id"));
    }
    let mut client = begin(server)?;
    for (turn, id) in &turns {
        client.ask(turn).map_err(|finding| finding.because(format!("the id of the request was {id}")))?;
    }
    client.exchange(b"next").map_err(|finding| finding.because("after requests with other ids"))?;
    server.leave_open(client);
    Ok(())
}

/// Returns the usual turn of the protocol with each id, and the id's name. None if it has no id of any value.
fn turns(protocol: &Protocol) -> Vec<(Turn, &'static str)> {
    let usual = protocol.turns().get(usual_turn(protocol)).filter(|turn| turn.has_reply());
    let turn = match usual {
        Some(turn) if protocol.is_json_rpc() => turn.answered_anyhow(),
        Some(turn) if turn.is_json_echo() => Some(turn.clone()),
        _ => None,
    };
    let ids = IDS.iter().filter(|id| !id.for_lines || protocol.is_lines_of_json());
    ids.filter_map(|id| Some((turn.as_ref()?.with_id(id.json)?, id.name))).collect()
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;
    use crate::protocol::Token;

    #[test]
    fn each_protocol_is_asked_with_the_ids_that_it_allows() {
        for (name, ids) in [("mcp", 8), ("lsp", 5), ("jsonl", 8)] {
            let turns = turns(&Protocol::built_in(name).unwrap());
            assert_eq!(turns.len(), ids, "{name}");
            let request = turns[0].0.new_request(Token::new(1), Some([].into()));
            assert!(String::from_utf8_lossy(request.body()).contains(r#""id":0,"#), "{name}");
        }
        assert!(turns(&Protocol::built_in("line").unwrap()).is_empty());
    }
}

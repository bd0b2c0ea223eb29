//! Checks of requests that the server does not know, and of notifications, which have no answer.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::conversation::{ON_STDIO, begin, begin_as};
use crate::outcome::Level::{Must, Should};
use crate::protocol::{Protocol, Turn};
use crate::server::Server;

pub const UNKNOWN: Check = Check {
    id: "stdio/answers-unknown-method",
    level: Must,
    sentence: "a request whose method the server does not know is answered, and so is the next request",
    why: "a client of a later version of the protocol asks for what an older server lacks; it waits for ever for an answer that never comes",
    citations: &[
        "JSON-RPC 2.0 §5 (\"When a rpc call is made, the Server MUST reply with a Response, except for in the case of Notifications\")",
        "LSP 3.17, Request Message (\"Every processed request must send a response back to the sender\")",
        "MCP 2025-06-18, Base Protocol, Responses",
    ],
    recipe: "send a request with an unknown method, and wait for an answer with its id; exchange a message",
    requires: ON_STDIO,
    run: unknown,
};

pub const CODE: Check = Check {
    id: "stdio/method-not-found",
    level: Should,
    sentence: "a request whose method the server does not know gets the error -32601, Method not found",
    why: "the code tells a client that the server lacks the method, and not that its own parameters were wrong",
    citations: &[
        "JSON-RPC 2.0 §5.1 (-32601: \"The method does not exist / is not available\")",
        "LSP 3.17, Response Message, ErrorCodes (MethodNotFound)",
    ],
    recipe: "send a request with an unknown method; compare the error that is its answer",
    requires: ON_STDIO,
    run: code,
};

pub const NOTIFICATIONS: Check = Check {
    id: "stdio/answers-no-notification",
    level: Must,
    sentence: "a notification gets no answer, known or not",
    why: "a client takes an answer without a known id for a fault of the protocol, and ends the session",
    citations: &[
        "JSON-RPC 2.0 §4.1 (\"The Server MUST NOT reply to a Notification\")",
        "LSP 3.17, Notification Message (\"a processed notification message must not send a response back\")",
        "MCP 2025-06-18, Base Protocol, Notifications (\"The receiver MUST NOT send a response\")",
    ],
    recipe: "begin a conversation, in many protocols with a notification such as `initialized`; send a notification with an unknown method; look for an answer while nothing else is asked; exchange a message",
    requires: ON_STDIO,
    run: notifications,
};

fn unknown(server: &mut Server) -> check::Result {
    let protocol = server.spec().protocol().clone();
    let refused = refused(&protocol)?;
    let mut client = begin(server)?;
    for turn in refused {
        let turn = turn.answered_anyhow().unwrap_or_else(|| turn.clone());
        client.ask(&turn).map_err(|finding| finding.because("the request has an unknown method"))?;
    }
    client.exchange(b"next").map_err(|finding| finding.because("after a request with an unknown method"))?;
    server.leave_open(client);
    Ok(())
}

fn code(server: &mut Server) -> check::Result {
    let protocol = server.spec().protocol().clone();
    let refused = refused(&protocol)?;
    let mut client = begin(server)?;
    refused.iter().try_for_each(|turn| client.ask(turn))?;
    server.leave_open(client);
    Ok(())
}

fn refused(protocol: &Protocol) -> check::Result<&[Turn]> {
    let refused = protocol.refused();
    if refused.is_empty() {
        return Err(
            Finding::unsupported("", "").because("the protocol names no request that a server must refuse")
        );
    }
    Ok(refused)
}

fn notifications(server: &mut Server) -> check::Result {
    let protocol = server.spec().protocol().clone();
    if !protocol.is_json_rpc() {
        return Err(Finding::unsupported("", "").because("the protocol is not JSON-RPC"));
    }
    let began = |finding: Finding| finding.because("a notification that begins the conversation was sent");
    let strict = server.connect()?.accepting_answers_to_notifications(false);
    let mut client = begin_as(server, strict).map_err(began)?;
    let explain = |finding: Finding| finding.because("a notification with an unknown method was sent");
    client.receive_replies(server.deadlines().quiet() / 3).map_err(began)?;
    client
        .send_raw(&protocol.wrap_json(br#"{"jsonrpc":"2.0","method":"echospec/unknown"}"#))
        .map_err(explain)?;
    client.receive_all_sent(server.deadlines().quiet()).map_err(explain)?;
    client.exchange(b"next").map_err(explain)?;
    server.leave_open(client);
    Ok(())
}

//! Checks of the forms in which a message may arrive: long, with other line ends, with other header fields.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::conversation::{ON_STDIO, begin};
use crate::checks::requests::usual_turn;
use crate::outcome::Level::{Must, Should};
use crate::payload::MIB;
use crate::protocol::{Request, Turn};
use crate::server::Server;

pub const LONG: Check = Check {
    id: "stdio/long-message",
    level: Should,
    sentence: "a request of 1 MiB is answered as a short one is",
    why: "a client sends whole documents in one message; a server whose reader takes lines of at most 64 KiB exits, or never answers again",
    citations: &[
        "pipe(7) (capacity)",
        "MCP 2025-06-18, Transports, stdio",
        "LSP 3.17, Base Protocol",
        "RFC 8259 §9 (\"An implementation may set limits on the size of texts that it accepts\")",
    ],
    recipe: "send a request with 1 MiB of spaces after its first bracket, which mean nothing in JSON; compare the reply; exchange one more message",
    requires: ON_STDIO,
    run: long,
};

pub const LINE_ENDS: Check = Check {
    id: "stdio/line-ends",
    level: Should,
    sentence: "a message that ends with CR and LF is read as one that ends with LF",
    why: "clients on Windows, and text streams of many languages, end a line with both; to JSON the CR is white space",
    citations: &[
        "JSON Lines, Line Terminator (\"'\\r\\n' is also supported because surrounding white space is implicitly ignored when parsing JSON values\")",
        "RFC 8259 §2 (JSON-text = ws value ws)",
    ],
    recipe: "send a request that ends with CR and LF; compare the reply; exchange a message that ends with LF. For protocols of one message a line",
    requires: ON_STDIO,
    run: line_ends,
};

pub const HEADERS: Check = Check {
    id: "stdio/header-fields",
    level: Must,
    sentence: "a message is read to its end whether its header has the field Content-Type or not, before or after Content-Length",
    why: "a server that takes the first line of the header for all of it reads the second as part of the message, and understands no message after it",
    citations: &["LSP 3.17, Base Protocol, Header Part (Content-Length, Content-Type)"],
    recipe: "send a request with `Content-Type: application/vscode-jsonrpc; charset=utf-8` after Content-Length, and one with it before; compare each reply. For protocols whose messages have a header",
    requires: ON_STDIO,
    run: headers,
};

pub const CASE: Check = Check {
    id: "stdio/header-names",
    level: Should,
    sentence: "the name of a header field may be written in small letters",
    why: "LSP takes the structure of its header fields from HTTP, where case does not count in names, and libraries of HTTP write them in small letters; a server that knows one spelling finds no length",
    citations: &[
        "LSP 3.17, Base Protocol, Header Part (\"The structure of header fields conforms to the HTTP semantic\")",
        "RFC 9110 §5.1 (\"Field names are case-insensitive\")",
    ],
    recipe: "send a request with `content-length` instead of Content-Length, and compare the reply; exchange a message. For protocols whose messages have a header",
    requires: ON_STDIO,
    run: case,
};

/// The field of a header that says what a message holds, as LSP has it.
const CONTENT_TYPE: &str = "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n";

fn long(server: &mut Server) -> check::Result {
    let protocol = server.spec().protocol().clone();
    if !protocol.is_json() {
        return Err(not_json());
    }
    let turn = turn_of(server);
    let mut client = begin(server)?;
    let padded = |request: &Request| protocol.wrap_json(&pad(request.body(), MIB));
    let answered = client.ask_written(&turn, padded);
    answered.map_err(|finding| finding.because("a request of 1 MiB was sent"))?;
    client.exchange(b"after").map_err(|finding| finding.because("after a request of 1 MiB"))?;
    server.leave_open(client);
    Ok(())
}

/// Returns the JSON text `body` with `length` spaces where they mean nothing.
fn pad(body: &[u8], length: usize) -> Vec<u8> {
    let at = usize::from(matches!(body.first(), Some(b'{' | b'[')));
    [&body[..at], &vec![b' '; length], &body[at..]].concat()
}

fn line_ends(server: &mut Server) -> check::Result {
    if !server.spec().protocol().is_lines_of_json() {
        return Err(Finding::unsupported("", "").because("a message of the protocol is not one line"));
    }
    let turn = turn_of(server);
    let mut client = begin(server)?;
    let answered = client.ask_written(&turn, |request| [request.body(), b"\r\n"].concat());
    answered.map_err(|finding| finding.because("the request ended with CR and LF"))?;
    let after = "after a request that ended with CR and LF";
    client.exchange(b"after").map_err(|finding| finding.because(after))?;
    server.leave_open(client);
    Ok(())
}

fn headers(server: &mut Server) -> check::Result {
    let protocol = server.spec().protocol();
    if !protocol.is_json() || protocol.is_lines_of_json() {
        return Err(Finding::unsupported("", "").because("a message of the protocol has no header"));
    }
    let turn = turn_of(server);
    let mut client = begin(server)?;
    for is_first in [false, true] {
        let place = if is_first { "before" } else { "after" };
        let answered = client.ask_written(&turn, |request| with_content_type(request.body(), is_first));
        answered.map_err(|finding| finding.because(format!("Content-Type came {place} Content-Length")))?;
    }
    server.leave_open(client);
    Ok(())
}

fn case(server: &mut Server) -> check::Result {
    let protocol = server.spec().protocol();
    if !protocol.is_json() || protocol.is_lines_of_json() {
        return Err(Finding::unsupported("", "").because("a message of the protocol has no header"));
    }
    let turn = turn_of(server);
    let mut client = begin(server)?;
    let explain = |finding: Finding| finding.because("the header of a request was content-length");
    let write = |request: &Request| {
        [format!("content-length: {}\r\n\r\n", request.body().len()).as_bytes(), request.body()].concat()
    };
    client.ask_written(&turn, write).map_err(explain)?;
    client.exchange(b"after").map_err(explain)?;
    server.leave_open(client);
    Ok(())
}

/// Returns `body` after a header that has the field Content-Type, too.
fn with_content_type(body: &[u8], is_first: bool) -> Vec<u8> {
    let length = format!("Content-Length: {}\r\n", body.len());
    let (first, second) = if is_first { (CONTENT_TYPE, &*length) } else { (&*length, CONTENT_TYPE) };
    [first.as_bytes(), second.as_bytes(), b"\r\n", body].concat()
}

fn turn_of(server: &Server) -> Turn {
    let protocol = server.spec().protocol();
    protocol.turns()[usual_turn(protocol)].clone()
}

fn not_json() -> Finding {
    Finding::unsupported("", "").because("the messages of the protocol are not JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_are_inside_the_first_bracket() {
        assert_eq!(pad(b"{}", 2), b"{  }");
        assert_eq!(pad(b"1", 1), b" 1");
    }
}

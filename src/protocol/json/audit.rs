//! Looks for bytes that belong to no message.

use super::{Envelope, Splitter, Value};

/// Bytes in a server's output that are no message of its protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// The offset of the stray bytes in the server's output.
    pub offset: usize,
    /// The stray bytes, with the rest of the line that holds them.
    pub bytes: Vec<u8>,
    /// The reason why the stray bytes are no message, in words.
    pub what: &'static str,
}

/// Returns the first bytes of `output` that are no message, if there are any. An unfinished message at the end counts
/// only if the output is `complete`.
pub(in crate::protocol) fn find_stray(envelope: Envelope, output: &[u8], complete: bool) -> Option<Stray> {
    let mut splitter = Splitter::new(envelope);
    splitter.push(output);
    let mut offset = 0;
    while let Some(unit) = splitter.next_unit() {
        let body = unit.body.clone().map(|body| &unit.raw[body]);
        let bare = unit.bare_line_ends.then_some("a head whose lines end without a carriage return");
        if let Some(what) = bare.or_else(|| fault(envelope, body)) {
            return Some(Stray { offset, bytes: unit.raw, what });
        }
        offset += unit.raw.len();
    }
    let rest = splitter.rest();
    (complete && !rest.is_empty()).then(|| Stray {
        offset,
        bytes: rest.to_vec(),
        what: "a message that has no end",
    })
}

/// Returns the first message of `output`, cut into lines, that a carriage return precedes or follows. It is white space
/// of JSON (RFC 8259), and so a part of the message.
pub(in crate::protocol) fn find_carriage_return(envelope: Envelope, output: &[u8]) -> Option<Stray> {
    let lines = if envelope == Envelope::Lines { output } else { &[] };
    let at = lines.iter().position(|&byte| byte == b'\r')?;
    let start = lines[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let length =
        lines[start..].iter().position(|&byte| byte == b'\n').map_or(lines.len() - start, |end| end + 1);
    Some(Stray { offset: start, bytes: lines[start..start + length].to_vec(), what: "a carriage return" })
}

fn fault(envelope: Envelope, body: Option<&[u8]>) -> Option<&'static str> {
    let Some(body) = body else { return Some("bytes before a head with `Content-Length`") };
    if body.starts_with(b"\xef\xbb\xbf") {
        return Some("a byte order mark");
    }
    if envelope == Envelope::Lines && body.iter().all(u8::is_ascii_whitespace) {
        return Some("an empty line");
    }
    if body.contains(&0x1b) {
        return Some("an escape sequence");
    }
    let error = Value::parse(body).err()?;
    Some(error.common_fault(envelope, body).unwrap_or("text that is no JSON value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(envelope: Envelope, output: &str) -> Option<(usize, &'static str)> {
        find_stray(envelope, output.as_bytes(), true).map(|stray| (stray.offset, stray.what))
    }

    #[test]
    fn only_messages_are_no_stray_bytes() {
        assert_eq!(what(Envelope::Lines, "{\"a\":\"\\r\\u001b\"}\n[]\n"), None);
        assert_eq!(what(Envelope::ContentLength, "Content-Length: 4\r\n\r\n{\r\n}"), None);
        assert!(find_stray(Envelope::Lines, b"{}\n{", false).is_none());
    }

    #[test]
    fn a_carriage_return_belongs_to_its_message() {
        assert_eq!(what(Envelope::Lines, "{}\r\n"), None);
        let found = find_carriage_return(Envelope::Lines, b"[]\n{}\r\n").unwrap();
        assert_eq!((found.offset, &found.bytes[..]), (3, &b"{}\r\n"[..]));
        assert!(find_carriage_return(Envelope::Lines, b"{}\n").is_none());
        assert!(find_carriage_return(Envelope::ContentLength, b"Content-Length: 2\r\n\r\n{}").is_none());
    }

    #[test]
    fn each_kind_of_stray_bytes_has_its_name() {
        for (output, found) in [
            ("{}\nready\n", (3, "text that is no JSON value")),
            ("\n{}\n", (0, "an empty line")),
            ("\u{feff}{}\n", (0, "a byte order mark")),
            ("\u{1b}[32m{}\n", (0, "an escape sequence")),
            ("{}\n{\"a\":", (3, "a message that has no end")),
        ] {
            assert_eq!(what(Envelope::Lines, output), Some(found), "{output:?}");
        }
        assert_eq!(what(Envelope::Lines, "{}{}\n"), Some((0, "two messages that share one line")));
        let (_, found) = what(Envelope::ContentLength, "Content-Length: 6\r\n\r\n{\"é\":1}").unwrap();
        assert!(found.starts_with("a JSON text that Content-Length cuts off"), "{found}");
        let output = "Content-Length: 2\r\n\r\n{}\nContent-Length: 2\r\n\r\n{}";
        let found = what(Envelope::ContentLength, output);
        assert_eq!(found, Some((23, "bytes before a head with `Content-Length`")));
    }
}

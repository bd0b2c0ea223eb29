//! Describes the bytes that a pattern takes next.

use super::thread::MatchThread;
use super::{ByteOrigin, ExpectedBytes, MAX_EXPECTED_BYTES, Pattern, Segment};
use crate::protocol::error::join_or;
use crate::protocol::template::ByteClass;

impl Pattern {
    /// Describes the bytes with which the pattern can still match, whichever way it matches the bytes so far.
    pub(super) fn expected_bytes(&self, threads: &[MatchThread]) -> ExpectedBytes {
        let mut texts = Vec::new();
        let mut bytes = Vec::new();
        for thread in threads {
            let text = match self.segments.get(thread.segment) {
                None => "the end of the reply".to_string(),
                Some(Segment::Literal { bytes: literal, role }) => {
                    let rest = &literal[thread.taken as usize..];
                    if rest.is_empty() {
                        continue;
                    }
                    bytes = self.literal_from(thread);
                    describe_literal(*role, literal, thread.taken as usize)
                }
                Some(Segment::Class { class, most, .. }) => match most {
                    Some(most) if thread.taken == *most => continue,
                    _ => class.describe().to_string(),
                },
                Some(Segment::Lines(begin)) => match &begin[thread.taken as usize..] {
                    [] => ByteClass::Line.describe().to_string(),
                    rest => format!("`{}`", rest.escape_ascii()),
                },
                Some(Segment::Length(_)) => "a number".to_string(),
                Some(Segment::Body) if thread.body == 0 => continue,
                Some(Segment::Body) => format!("{} more bytes of the body", thread.body),
            };
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        if texts.len() > 1 {
            bytes.clear();
        }
        ExpectedBytes { text: join_or(&texts), bytes }
    }

    /// Returns the next literal bytes that one way of matching expects, at most [`MAX_EXPECTED_BYTES`].
    fn literal_from(&self, thread: &MatchThread) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut skip = thread.taken as usize;
        for segment in &self.segments[thread.segment..] {
            let Segment::Literal { bytes: literal, .. } = segment else { break };
            let rest = &literal[skip..];
            bytes.extend_from_slice(&rest[..rest.len().min(MAX_EXPECTED_BYTES - bytes.len())]);
            skip = 0;
        }
        bytes
    }
}

fn describe_literal(role: ByteOrigin, literal: &[u8], taken: usize) -> String {
    let rest = &literal[taken..];
    let more = if rest.len() > MAX_EXPECTED_BYTES { "…" } else { "" };
    let shown = format!("`{}`{more}", rest[..rest.len().min(MAX_EXPECTED_BYTES)].escape_ascii());
    match role {
        ByteOrigin::Text => shown,
        ByteOrigin::Token if taken == 0 => format!("the token {shown}"),
        ByteOrigin::Token => format!("{shown} of the token `{}`", literal.escape_ascii()),
        ByteOrigin::Payload => format!("byte {taken} of the payload, {shown}"),
    }
}

//! Follows every way in which a pattern can match over the bytes of a reply.

use std::sync::Arc;

use super::thread::{MatchThread, add_thread};
use super::{ExpectedBytes, Pattern, PatternProgress, Segment};
use crate::protocol::number::LengthDecoder;
use crate::protocol::template::ByteClass;

/// Matches a reply against a pattern while its bytes arrive.
#[derive(Debug)]
pub(in crate::protocol) struct PatternMatcher {
    pattern: Arc<Pattern>,
    threads: Vec<MatchThread>,
    next: Vec<MatchThread>,
    /// Whether something outside of the pattern, such as a length, determines the end of the reply.
    framed: bool,
}

impl PatternMatcher {
    /// Creates a matcher whose reply ends where the pattern first matches.
    pub(in crate::protocol) fn until_match(pattern: Arc<Pattern>) -> PatternMatcher {
        PatternMatcher::new(pattern, false)
    }

    /// Creates a matcher whose pattern must match all bytes up to [`finish`](PatternMatcher::finish).
    pub(in crate::protocol) fn framed(pattern: Arc<Pattern>) -> PatternMatcher {
        PatternMatcher::new(pattern, true)
    }

    fn new(pattern: Arc<Pattern>, framed: bool) -> PatternMatcher {
        let mut threads = Vec::new();
        let first = MatchThread { segment: 0, taken: 0, reading: LengthDecoder::default(), body: 0 };
        add_thread(&pattern, &mut threads, first);
        PatternMatcher { pattern, threads, next: Vec::new(), framed }
    }

    /// Matches the next bytes of the reply.
    pub(in crate::protocol) fn push(&mut self, bytes: &[u8]) -> PatternProgress {
        let mut at = 0;
        if self.is_done() {
            return PatternProgress::Done(0);
        }
        while at < bytes.len() {
            let taken = self.bulk(&bytes[at..]);
            if taken > 0 {
                at += taken;
            } else if self.step(bytes[at]) {
                at += 1;
            } else {
                return PatternProgress::Wrong { at, expected: self.pattern.expected_bytes(&self.threads) };
            }
            if self.is_done() {
                return PatternProgress::Done(at);
            }
        }
        PatternProgress::More
    }

    /// Checks that the reply may end after the bytes so far; otherwise returns what is missing.
    pub(in crate::protocol) fn finish(&self) -> Result<(), ExpectedBytes> {
        if self.matches_here() { Ok(()) } else { Err(self.pattern.expected_bytes(&self.threads)) }
    }

    fn is_done(&self) -> bool {
        !self.framed && self.matches_here()
    }

    fn matches_here(&self) -> bool {
        self.threads.iter().any(|thread| thread.segment == self.pattern.segments.len())
    }

    /// Matches many bytes at once where the pattern has only one way of matching left. Returns the number of bytes.
    fn bulk(&mut self, bytes: &[u8]) -> usize {
        if self.framed && self.threads.iter().any(|thread| self.pattern.takes_the_rest(thread.segment)) {
            return bytes.len();
        }
        match &self.threads[..] {
            [only] => self.bulk_of_one(*only, bytes),
            [wild, literal] => self.bulk_before_literal(*wild, *literal, bytes),
            _ => 0,
        }
    }

    /// Matches a literal, or a part of known length, as a whole. Matches nothing where bytes differ.
    fn bulk_of_one(&mut self, thread: MatchThread, bytes: &[u8]) -> usize {
        let Some(segment) = self.pattern.segments.get(thread.segment) else { return 0 };
        let left = match segment {
            Segment::Literal { bytes: literal, .. } => {
                let rest = &literal[thread.taken as usize..];
                let length = rest.len().min(bytes.len());
                match first_difference(&rest[..length], &bytes[..length]) {
                    Some(same) => same as u64,
                    None => length as u64,
                }
            }
            Segment::Class { class: ByteClass::Any, most: Some(most), .. } => most - thread.taken,
            Segment::Body => thread.body,
            _ => 0,
        };
        let taken = left.min(bytes.len() as u64);
        if taken == 0 {
            return 0;
        }
        let moved = match segment {
            Segment::Body => MatchThread { body: thread.body - taken, ..thread },
            _ => MatchThread { taken: thread.taken + taken, ..thread },
        };
        self.threads.clear();
        add_thread(&self.pattern, &mut self.threads, moved);
        taken as usize
    }

    /// Skips to the next byte at which the literal after the placeholder `{any}` may begin.
    fn bulk_before_literal(&mut self, wild: MatchThread, literal: MatchThread, bytes: &[u8]) -> usize {
        let segments = &self.pattern.segments;
        let is_any = matches!(segments.get(wild.segment), Some(Segment::Class { class: ByteClass::Any, least, most: None }) if wild.taken >= *least);
        let begins = literal.segment == wild.segment + 1 && literal.taken == 0;
        match segments.get(literal.segment) {
            Some(Segment::Literal { bytes: wanted, .. }) if is_any && begins => {
                bytes.iter().position(|byte| *byte == wanted[0]).unwrap_or(bytes.len())
            }
            _ => 0,
        }
    }

    /// Continues every way of matching the pattern by one byte. Returns false, and changes nothing, if no way is left.
    fn step(&mut self, byte: u8) -> bool {
        self.next.clear();
        for thread in &self.threads {
            if let Some(moved) = thread.after_byte(&self.pattern.segments, byte) {
                add_thread(&self.pattern, &mut self.next, moved);
            }
        }
        if self.next.is_empty() {
            return false;
        }
        std::mem::swap(&mut self.threads, &mut self.next);
        true
    }
}

/// Returns the first index at which two slices of the same length differ.
fn first_difference(left: &[u8], right: &[u8]) -> Option<usize> {
    // Comparing slices is fast in every build; the byte is looked for only where they differ.
    const BLOCK: usize = 4096;
    let blocks = left.chunks(BLOCK).zip(right.chunks(BLOCK)).enumerate();
    for (index, (a, b)) in blocks {
        if a != b {
            let within = a.iter().zip(b).position(|(a, b)| a != b)?;
            return Some(index * BLOCK + within);
        }
    }
    None
}

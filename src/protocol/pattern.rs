//! Matches a reply against a pattern while its bytes arrive.
//!
//! A pattern is followed in all ways at once, as a finite automaton is. It needs no memory for bytes that it
//! has matched, and it knows the first byte after which no way is left.

use std::sync::Arc;

use super::error::join_or;
use super::number::{Number, Reading};
use super::template::{Class, Piece, Template, Value, Wildcard};
use super::token::Token;

/// The number of expected bytes that are kept for a report.
pub(super) const SHOWN: usize = 24;

/// A pattern whose token and payload are known.
#[derive(Debug, Default)]
pub(super) struct Pattern {
    segments: Vec<Segment>,
}

#[derive(Debug)]
enum Segment {
    Literal { bytes: Arc<[u8]>, role: Role },
    Class { class: Class, least: u64, most: Option<u64> },
    Length(Number),
    Body,
}

/// The source of a literal's bytes in the protocol: for reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Text,
    Token,
    Payload,
}

/// The bytes that were expected at the place of a mismatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expectation {
    /// The description of the expected bytes in words.
    pub(super) text: String,
    /// The expected bytes, as far as no other bytes match.
    pub(super) bytes: Vec<u8>,
}

impl Expectation {
    pub(super) fn of(text: impl Into<String>) -> Expectation {
        Expectation { text: text.into(), bytes: Vec::new() }
    }
}

/// The result of giving bytes to a pattern matcher.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// All of the given bytes match, and more are needed.
    More,
    /// The reply ends after this number of the given bytes.
    Done(usize),
    /// The given byte at index `at` can no longer match.
    Wrong { at: usize, expected: Expectation },
    /// The reply ends after `at` of the given bytes, and should have continued.
    Short { at: usize, expected: Expectation },
}

impl Step {
    /// Returns the step with its offsets increased by `by`.
    pub(super) fn later(self, by: usize) -> Step {
        match self {
            Step::More => Step::More,
            Step::Done(at) => Step::Done(by + at),
            Step::Wrong { at, expected } => Step::Wrong { at: by + at, expected },
            Step::Short { at, expected } => Step::Short { at: by + at, expected },
        }
    }

    /// Returns the step that says that the first byte is wrong.
    pub(super) fn wrong(expected: Expectation) -> Step {
        Step::Wrong { at: 0, expected }
    }
}

impl Pattern {
    /// Puts the token and the payload of one exchange into a template.
    pub(super) fn new(template: &Template, token: &Token, payload: &Arc<[u8]>) -> Pattern {
        let segments = template.parts.iter().map(|part| match &part.piece {
            Piece::Bytes(bytes) => Segment::Literal { bytes: bytes[..].into(), role: Role::Text },
            Piece::Known(known) => {
                let role = match known.value {
                    _ if known.length.is_some() => Role::Text,
                    Value::Token(_) => Role::Token,
                    Value::Payload => Role::Payload,
                };
                let bytes = if known.is_payload_itself() {
                    payload.clone()
                } else {
                    known.bytes(token, payload).into()
                };
                Segment::Literal { bytes, role }
            }
            Piece::Wildcard(Wildcard::Class { class, least, most }) => {
                Segment::Class { class: *class, least: *least, most: *most }
            }
            Piece::Wildcard(Wildcard::Length(number)) => Segment::Length(*number),
            Piece::Wildcard(Wildcard::Body) => Segment::Body,
        });
        Pattern { segments: segments.collect() }
    }

    /// Returns the length of every match, if all matches have the same length.
    pub(super) fn fixed_length(&self) -> Option<u64> {
        self.segments.iter().try_fold(0, |sum: u64, segment| {
            let length = match segment {
                Segment::Literal { bytes, .. } => bytes.len() as u64,
                Segment::Class { least, most, .. } if *most == Some(*least) => *least,
                _ => return None,
            };
            sum.checked_add(length)
        })
    }

    /// Whether segment `index` is the last one and takes any bytes.
    fn takes_the_rest(&self, index: usize) -> bool {
        let last = matches!(
            self.segments.get(index),
            Some(Segment::Class { class: Class::Any, least: 0, most: None })
        );
        last && index + 1 == self.segments.len()
    }

    /// Describes what may follow in any of `threads`.
    fn expectation(&self, threads: &[Thread]) -> Expectation {
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
        Expectation { text: join_or(&texts), bytes }
    }

    /// Returns the next literal bytes of a thread, at most [`SHOWN`].
    fn literal_from(&self, thread: &Thread) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut skip = thread.taken as usize;
        for segment in &self.segments[thread.segment..] {
            let Segment::Literal { bytes: literal, .. } = segment else { break };
            let rest = &literal[skip..];
            bytes.extend_from_slice(&rest[..rest.len().min(SHOWN - bytes.len())]);
            skip = 0;
        }
        bytes
    }
}

fn describe_literal(role: Role, literal: &[u8], taken: usize) -> String {
    let rest = &literal[taken..];
    let more = if rest.len() > SHOWN { "…" } else { "" };
    let shown = format!("`{}`{more}", rest[..rest.len().min(SHOWN)].escape_ascii());
    match role {
        Role::Text => shown,
        Role::Token if taken == 0 => format!("the token {shown}"),
        Role::Token => format!("{shown} of the token `{}`", literal.escape_ascii()),
        Role::Payload => format!("byte {taken} of the payload, {shown}"),
    }
}

/// One way to read the bytes so far: how much of which segment they fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Thread {
    segment: usize,
    /// The number of bytes that the segment has taken, counted up to the number that it must have.
    taken: u64,
    reading: Reading,
    /// The number of bytes that the body has still to take.
    body: u64,
}

/// A pattern and how far it has matched.
#[derive(Debug)]
pub(super) struct PatternMatcher {
    pattern: Arc<Pattern>,
    threads: Vec<Thread>,
    next: Vec<Thread>,
    /// Whether the end of the reply is found outside the pattern, by its frame.
    framed: bool,
}

impl PatternMatcher {
    /// Returns a matcher that ends where the pattern first matches.
    pub(super) fn until_match(pattern: Arc<Pattern>) -> PatternMatcher {
        PatternMatcher::new(pattern, false)
    }

    /// Returns a matcher whose pattern must match all bytes up to [`finish`](PatternMatcher::finish).
    pub(super) fn framed(pattern: Arc<Pattern>) -> PatternMatcher {
        PatternMatcher::new(pattern, true)
    }

    fn new(pattern: Arc<Pattern>, framed: bool) -> PatternMatcher {
        let mut threads = Vec::new();
        let first = Thread { segment: 0, taken: 0, reading: Reading::default(), body: 0 };
        add(&pattern, &mut threads, first);
        PatternMatcher { pattern, threads, next: Vec::new(), framed }
    }

    /// Matches the next bytes of a reply.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Step {
        let mut at = 0;
        if self.is_done() {
            return Step::Done(0);
        }
        while at < bytes.len() {
            let taken = self.bulk(&bytes[at..]);
            if taken > 0 {
                at += taken;
            } else if self.step(bytes[at]) {
                at += 1;
            } else {
                return Step::Wrong { at, expected: self.pattern.expectation(&self.threads) };
            }
            if self.is_done() {
                return Step::Done(at);
            }
        }
        Step::More
    }

    /// Whether the reply may end here; if not, what is missing.
    pub(super) fn finish(&self) -> Result<(), Expectation> {
        if self.matches_here() { Ok(()) } else { Err(self.pattern.expectation(&self.threads)) }
    }

    fn is_done(&self) -> bool {
        !self.framed && self.matches_here()
    }

    fn matches_here(&self) -> bool {
        self.threads.iter().any(|thread| thread.segment == self.pattern.segments.len())
    }

    /// Matches many bytes at once if the threads allow that. Returns how many bytes matched, or 0.
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

    /// Compares a literal or skips a counted part as a whole. Nothing is taken where bytes differ.
    fn bulk_of_one(&mut self, thread: Thread, bytes: &[u8]) -> usize {
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
            Segment::Class { class: Class::Any, most: Some(most), .. } => most - thread.taken,
            Segment::Body => thread.body,
            _ => 0,
        };
        let taken = left.min(bytes.len() as u64);
        if taken == 0 {
            return 0;
        }
        let moved = match segment {
            Segment::Body => Thread { body: thread.body - taken, ..thread },
            _ => Thread { taken: thread.taken + taken, ..thread },
        };
        self.threads.clear();
        add(&self.pattern, &mut self.threads, moved);
        taken as usize
    }

    /// Skips to the next byte at which the literal after `{any}` may begin.
    fn bulk_before_literal(&mut self, wild: Thread, literal: Thread, bytes: &[u8]) -> usize {
        let segments = &self.pattern.segments;
        let is_any = matches!(segments.get(wild.segment), Some(Segment::Class { class: Class::Any, least, most: None }) if wild.taken >= *least);
        let begins = literal.segment == wild.segment + 1 && literal.taken == 0;
        match segments.get(literal.segment) {
            Some(Segment::Literal { bytes: wanted, .. }) if is_any && begins => {
                bytes.iter().position(|byte| *byte == wanted[0]).unwrap_or(bytes.len())
            }
            _ => 0,
        }
    }

    /// Follows all threads over one byte; false, with nothing changed, if none is left.
    fn step(&mut self, byte: u8) -> bool {
        self.next.clear();
        for thread in &self.threads {
            if let Some(moved) = thread.over(&self.pattern.segments, byte) {
                add(&self.pattern, &mut self.next, moved);
            }
        }
        if self.next.is_empty() {
            return false;
        }
        std::mem::swap(&mut self.threads, &mut self.next);
        true
    }
}

/// Adds a thread, and the threads at the beginning of the next segments if the thread's own segment may end.
fn add(pattern: &Pattern, threads: &mut Vec<Thread>, thread: Thread) {
    let mut thread = Some(thread);
    while let Some(current) = thread {
        // A thread at the end of a literal or body has nowhere to go but on.
        if !threads.contains(&current) && !current.is_used_up(&pattern.segments) {
            threads.push(current);
        }
        thread = current.after(&pattern.segments);
    }
}

impl Thread {
    /// Returns the thread after one more byte of its segment.
    fn over(&self, segments: &[Segment], byte: u8) -> Option<Thread> {
        let mut moved = *self;
        match segments.get(self.segment)? {
            Segment::Literal { bytes, .. } => {
                (*bytes.get(self.taken as usize)? == byte).then_some(())?;
                moved.taken += 1;
            }
            Segment::Class { class, least, most } => {
                let full = most.is_some_and(|most| self.taken >= most);
                (!full && class.contains(byte)).then_some(())?;
                moved.taken = (self.taken + 1).min(most.unwrap_or(*least));
            }
            Segment::Length(number) => moved.reading = self.reading.push(*number, byte)?,
            Segment::Body => moved.body = self.body.checked_sub(1)?,
        }
        Some(moved)
    }

    /// Returns the thread at the beginning of the next segment, if the thread's own segment may end here.
    fn after(&self, segments: &[Segment]) -> Option<Thread> {
        let next = Thread { segment: self.segment + 1, taken: 0, ..*self };
        match segments.get(self.segment)? {
            Segment::Literal { bytes, .. } => (self.taken as usize == bytes.len()).then_some(next),
            Segment::Class { least, .. } => (self.taken >= *least).then_some(next),
            Segment::Length(number) => {
                let body = self.reading.length(*number)?;
                Some(Thread { body, reading: Reading::default(), ..next })
            }
            Segment::Body => (self.body == 0).then_some(next),
        }
    }

    /// Whether the thread's segment takes no more bytes.
    fn is_used_up(&self, segments: &[Segment]) -> bool {
        match segments.get(self.segment) {
            Some(Segment::Literal { bytes, .. }) => self.taken as usize == bytes.len(),
            Some(Segment::Class { most, .. }) => *most == Some(self.taken),
            Some(Segment::Body) => self.body == 0,
            Some(Segment::Length(number)) => {
                number.width().is_some() && self.reading.length(*number).is_some()
            }
            None => false,
        }
    }
}

/// Returns the first index at which two slices of one length differ.
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

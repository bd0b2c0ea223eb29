//! One of the ways in which a pattern can match the bytes so far.

use super::{Pattern, Segment};
use crate::protocol::number::LengthDecoder;

/// One way in which a pattern matches the bytes so far: the segment that they reach, and how much of it they fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MatchThread {
    pub(super) segment: usize,
    /// The number of bytes that the segment has matched. Counting stops at the number that the segment must have.
    pub(super) taken: u64,
    pub(super) reading: LengthDecoder,
    /// The number of bytes of the reply's body that this way of matching still misses.
    pub(super) body: u64,
}

/// Adds `thread`, one way of matching, and the ways that begin the next segments where its own segment may end.
pub(super) fn add_thread(pattern: &Pattern, threads: &mut Vec<MatchThread>, thread: MatchThread) {
    let mut thread = Some(thread);
    while let Some(current) = thread {
        // A thread at the end of a literal or body has nowhere to go but on.
        if !threads.contains(&current) && !current.is_used_up(&pattern.segments) {
            threads.push(current);
        }
        thread = current.after(&pattern.segments);
    }
}

impl MatchThread {
    /// Returns this way of matching after one more byte, or nothing if the byte does not match.
    pub(super) fn after_byte(&self, segments: &[Segment], byte: u8) -> Option<MatchThread> {
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
            Segment::Length(number) => moved.reading = self.reading.add_byte(*number, byte)?,
            Segment::Body => moved.body = self.body.checked_sub(1)?,
            // Beyond the beginning that each line must have, `taken` no longer grows.
            Segment::Lines(begin) => match begin.get(self.taken as usize) {
                Some(wanted) => {
                    (*wanted == byte).then_some(())?;
                    moved.taken += 1;
                }
                None if byte == b'\n' => moved.taken = 0,
                None => {}
            },
        }
        Some(moved)
    }

    /// Returns the way of matching that begins the next segment, if the current segment may end here.
    fn after(&self, segments: &[Segment]) -> Option<MatchThread> {
        let next = MatchThread { segment: self.segment + 1, taken: 0, ..*self };
        match segments.get(self.segment)? {
            Segment::Literal { bytes, .. } => (self.taken as usize == bytes.len()).then_some(next),
            Segment::Class { least, .. } => (self.taken >= *least).then_some(next),
            Segment::Length(number) => {
                let body = self.reading.length(*number)?;
                Some(MatchThread { body, reading: LengthDecoder::default(), ..next })
            }
            Segment::Body => (self.body == 0).then_some(next),
            Segment::Lines(_) => (self.taken == 0).then_some(next),
        }
    }

    /// Whether the segment that this way of matching has reached takes no more bytes.
    fn is_used_up(&self, segments: &[Segment]) -> bool {
        match segments.get(self.segment) {
            Some(Segment::Literal { bytes, .. }) => self.taken as usize == bytes.len(),
            Some(Segment::Class { most, .. }) => *most == Some(self.taken),
            Some(Segment::Body) => self.body == 0,
            Some(Segment::Length(number)) => {
                number.width().is_some() && self.reading.length(*number).is_some()
            }
            Some(Segment::Lines(_)) | None => false,
        }
    }
}

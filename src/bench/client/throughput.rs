//! Measures throughput: keeps as many bytes in flight as the mechanism holds.

use std::time::{Duration, Instant};

use super::conversation::{Conversation, MeasureError, check_length, check_not_end};
use super::tally::LoopResult;
use super::timing::{Clock, MeasurementLimit};

/// The number of bytes that the measuring client asks for in one receive from a stream, unless the messages are
/// larger.
pub(super) const RECEIVE_SIZE: usize = 64 * 1024;

/// Measures throughput: sends messages of `size` bytes until `limit` is reached, and receives all of them.
///
/// The clock stops at the last byte that is *received*: a byte that is only sent has not arrived. Every byte is compared
/// on arrival, and the comparing is timed. If both sides `share` a processor, the server cannot run meanwhile, and that
/// time is subtracted. Otherwise it is only reported.
pub(super) fn measure_throughput(
    conversation: &mut Conversation<'_>,
    size: usize,
    limit: MeasurementLimit,
    share: bool,
    clock: Clock,
) -> Result<LoopResult, MeasureError> {
    let mut flow = Flow::new(conversation, size);
    let start = Instant::now();
    let mut sending = true;
    while sending || flow.in_flight() > 0 {
        let elapsed = start.elapsed();
        sending = sending && (elapsed < limit.time || !limit.is_reached(elapsed, flow.messages()));
        flow.fill(sending)?;
        flow.drain(clock)?;
    }
    let subtracted = if share { flow.checking } else { Duration::ZERO };
    let took = flow.last_byte.duration_since(start).saturating_sub(subtracted);
    Ok(flow.tally(took))
}

/// The bytes in flight between client and server while throughput is measured.
struct Flow<'a, 'b> {
    conversation: &'a mut Conversation<'b>,
    size: usize,
    /// The number of bytes in one send of the client: a message, or a part of one if the mechanism does not hold it
    /// as a whole.
    piece: usize,
    /// The number of bytes that may be in flight between client and server.
    window: usize,
    /// The position in the byte stream at the beginning of a throughput measurement.
    origin: u64,
    /// The position in the byte stream up to which the client has sent bytes.
    sent: u64,
    buffer: Vec<u8>,
    checking: Duration,
    last_byte: Instant,
}

impl<'a, 'b> Flow<'a, 'b> {
    fn new(conversation: &'a mut Conversation<'b>, size: usize) -> Flow<'a, 'b> {
        let room = if conversation.has_boundaries { size + 1 } else { RECEIVE_SIZE.max(size) };
        let split = !conversation.has_boundaries && size > conversation.window;
        let window =
            if split { conversation.window } else { size * conversation.channel.max_in_flight(size).max(1) };
        let piece = if split { window.div_ceil(2) } else { size };
        let origin = conversation.position;
        Flow {
            conversation,
            size,
            piece,
            window,
            origin,
            sent: origin,
            buffer: vec![0; room],
            checking: Duration::ZERO,
            last_byte: Instant::now(),
        }
    }

    /// Returns the number of messages that the client has sent completely.
    fn messages(&self) -> u64 {
        (self.sent - self.origin) / self.size as u64
    }

    fn in_flight(&self) -> usize {
        (self.sent - self.conversation.position) as usize
    }

    fn is_between_messages(&self) -> bool {
        (self.sent - self.origin).is_multiple_of(self.size as u64)
    }

    /// Sends messages until as many bytes are in flight as may be. Without `sending`, it only completes a message
    /// that was begun.
    fn fill(&mut self, sending: bool) -> Result<(), MeasureError> {
        while sending || !self.is_between_messages() {
            let begun = ((self.sent - self.origin) % self.size as u64) as usize;
            let next = self.piece.min(self.size - begun);
            if self.in_flight() + next > self.window {
                break;
            }
            let bytes = self.conversation.stream.bytes_at(self.sent, next);
            self.conversation.channel.send(bytes)?;
            self.sent += next as u64;
        }
        Ok(())
    }

    /// Receives once from the server, and verifies the bytes that came back.
    fn drain(&mut self, clock: Clock) -> Result<(), MeasureError> {
        if self.in_flight() == 0 {
            return Ok(());
        }
        let received = self.conversation.channel.receive(&mut self.buffer)?;
        self.last_byte = Instant::now();
        if self.conversation.has_boundaries {
            check_length(received, self.size)?;
        } else if check_not_end(received)? > self.in_flight() {
            let excess = received - self.in_flight();
            return Err(MeasureError::WrongBytes(format!("{excess} bytes more than were sent")));
        }
        self.conversation
            .verify(&self.buffer[..received])
            .map_err(|error| self.lost_messages(received).unwrap_or(error))?;
        self.checking += clock.time_since(self.last_byte);
        Ok(())
    }

    /// Reports how many messages were lost, if the client received a later message instead of the next one.
    #[cold]
    fn lost_messages(&self, received: usize) -> Option<MeasureError> {
        let Conversation { has_boundaries, stream, position, .. } = &*self.conversation;
        let is_later = |number: &usize| {
            stream.verify(*position + (number * self.size) as u64, &self.buffer[..received]).is_ok()
        };
        let in_flight = self.in_flight() / self.size;
        let lost = (1..in_flight).find(is_later).filter(|_| *has_boundaries)?;
        Some(MeasureError::Failed(format!("{lost} of {in_flight} messages in flight were lost")))
    }

    fn tally(&self, took: Duration) -> LoopResult {
        let bytes = self.conversation.position - self.origin;
        let seconds = took.as_secs_f64().max(f64::MIN_POSITIVE);
        LoopResult {
            value: bytes as f64 / seconds,
            messages: bytes / self.size as u64,
            seconds,
            latencies: None,
            bookkeeping: self.checking,
            checking: Some(self.checking),
            lateness: None,
        }
    }
}

//! Streaming: as many bytes are kept under way as the mechanism holds.

use std::time::{Duration, Instant};

use super::conversation::{Conversation, Trouble, alive, whole};
use super::timing::{Clock, Limit};

use super::tally::Tally;

/// What one receive of a stream takes at most, unless the messages are larger.
pub(super) const RECEIVE: usize = 64 * 1024;

/// Sends messages of `size` bytes up to `limit`, and receives all of them.
///
/// The clock stops at the last byte that is *received*: what is only sent has not arrived anywhere. Every byte is
/// compared on arrival, and the time that this takes is measured. Where both sides `share` a processor the server
/// stands still meanwhile, and that time is taken off; elsewhere the server goes on, and it is only stated.
pub(super) fn run(
    conversation: &mut Conversation<'_>,
    size: usize,
    limit: Limit,
    share: bool,
    clock: Clock,
) -> Result<Tally, Trouble> {
    let mut flow = Flow::new(conversation, size);
    let start = Instant::now();
    let mut sending = true;
    while sending || flow.under_way() > 0 {
        let elapsed = start.elapsed();
        sending = sending && (elapsed < limit.time || !limit.is_reached(elapsed, flow.messages()));
        flow.fill(sending)?;
        flow.drain(clock)?;
    }
    let taken_off = if share { flow.checking } else { Duration::ZERO };
    let took = flow.last_byte.duration_since(start).saturating_sub(taken_off);
    Ok(flow.tally(took))
}

/// The bytes under way.
struct Flow<'a, 'b> {
    conversation: &'a mut Conversation<'b>,
    size: usize,
    /// What is sent at once: a message, or a part of one that the mechanism does not hold as a whole.
    piece: usize,
    /// How many bytes may be under way.
    window: usize,
    /// Where the stream began.
    origin: u64,
    /// How far it has been sent.
    sent: u64,
    buffer: Vec<u8>,
    checking: Duration,
    last_byte: Instant,
}

impl<'a, 'b> Flow<'a, 'b> {
    fn new(conversation: &'a mut Conversation<'b>, size: usize) -> Flow<'a, 'b> {
        let room = if conversation.bounded { size + 1 } else { RECEIVE.max(size) };
        let split = !conversation.bounded && size > conversation.window;
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

    /// How many have been sent, the one begun not counted.
    fn messages(&self) -> u64 {
        (self.sent - self.origin) / self.size as u64
    }

    fn under_way(&self) -> usize {
        (self.sent - self.conversation.position) as usize
    }

    fn is_between_messages(&self) -> bool {
        (self.sent - self.origin).is_multiple_of(self.size as u64)
    }

    /// Sends until the window is full. Where nothing new is to be sent, a message that was begun is still finished.
    fn fill(&mut self, sending: bool) -> Result<(), Trouble> {
        while sending || !self.is_between_messages() {
            let begun = ((self.sent - self.origin) % self.size as u64) as usize;
            let next = self.piece.min(self.size - begun);
            if self.under_way() + next > self.window {
                break;
            }
            let bytes = self.conversation.script.at(self.sent, next);
            self.conversation.channel.send(bytes)?;
            self.sent += next as u64;
        }
        Ok(())
    }

    fn drain(&mut self, clock: Clock) -> Result<(), Trouble> {
        if self.under_way() == 0 {
            return Ok(());
        }
        let got = self.conversation.channel.receive(&mut self.buffer)?;
        self.last_byte = Instant::now();
        if self.conversation.bounded {
            whole(got, self.size)?;
        } else if alive(got)? > self.under_way() {
            return Err(Trouble::Wrong(format!("{} bytes more than were sent", got - self.under_way())));
        }
        self.conversation.verify(&self.buffer[..got]).map_err(|trouble| self.lost(got).unwrap_or(trouble))?;
        self.checking += clock.since(self.last_byte);
        Ok(())
    }

    /// Where messages have boundaries: how many before this one are missing, if it is just a later one.
    #[cold]
    fn lost(&self, got: usize) -> Option<Trouble> {
        let Conversation { bounded, script, position, .. } = &*self.conversation;
        let later = |number: &usize| {
            script.verify(*position + (number * self.size) as u64, &self.buffer[..got]).is_ok()
        };
        let lost = (1..self.under_way() / self.size).find(later).filter(|_| *bounded)?;
        Some(Trouble::Broken(format!(
            "{lost} of {} messages under way got lost",
            self.under_way() / self.size
        )))
    }

    fn tally(&self, took: Duration) -> Tally {
        let bytes = self.conversation.position - self.origin;
        let seconds = took.as_secs_f64().max(f64::MIN_POSITIVE);
        Tally {
            figure: bytes as f64 / seconds,
            messages: bytes / self.size as u64,
            seconds,
            times: None,
            bookkeeping: self.checking,
            checking: Some(self.checking),
            lateness: None,
        }
    }
}

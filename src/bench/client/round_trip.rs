//! Closed loop: the next message is sent when the one before it is back.

use std::time::{Duration, Instant};

use super::clock::Clock;
use super::conversation::{Conversation, Trouble};
use super::limit::Limit;
use super::tally::{Tally, Times};

/// Exchanges messages of `size` bytes up to `limit`, at least one.
///
/// Between the two readings of the clock there is nothing but the exchange. The next message is made, and the last one
/// compared with what was sent, while the clock does not count.
pub(super) fn run(
    conversation: &mut Conversation<'_>,
    size: usize,
    limit: Limit,
    clock: Clock,
) -> Result<Tally, Trouble> {
    let (mut message, mut echo) = (vec![0; size], vec![0; size + 1]);
    let (mut times, mut sum) = (Times::new(), Duration::ZERO);
    let start = Instant::now();
    loop {
        message.copy_from_slice(conversation.script.at(conversation.position, size));
        let began = Instant::now();
        conversation.exchange(&message, &mut echo)?;
        let took = clock.since(began);
        conversation.verify(&echo[..size])?;
        times.record(took);
        sum += took;
        if limit.is_reached(began.duration_since(start), times.count()) {
            let elapsed = start.elapsed();
            return Ok(Tally::of_times(times, elapsed, elapsed.saturating_sub(sum)));
        }
    }
}

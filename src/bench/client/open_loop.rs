//! Open loop: messages are due at fixed times, whether the one before is back or not.
//!
//! A message's time counts from the moment for which it was intended. Where one is held up, those behind it count what
//! they had to wait for it: else the slowest moments would be the least measured ("coordinated omission").
//!
//! Between messages the client does what a program with nothing to do does: it asks the kernel to wake it at the time
//! of the next (a timed futex wait, `CLOCK_MONOTONIC`). That is no synchronisation by sleep; the wake-up belongs to what
//! is measured.

use std::thread;
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::conversation::{Conversation, Trouble};
use super::tally::{Tally, Times};
use crate::transport::Waiting;

/// Sends messages of `size` bytes, `rate` each second, for `limit`, at least one.
pub(super) fn run(
    conversation: &mut Conversation<'_>,
    (size, rate): (usize, f64),
    limit: Duration,
    waiting: Waiting,
    clock: Clock,
) -> Result<Tally, Trouble> {
    let interval = Duration::from_secs_f64(1.0 / rate);
    let number = (limit.as_secs_f64() * rate).round().max(1.0) as u32;
    let (mut message, mut echo) = (vec![0; size], vec![0; size + 1]);
    let (mut times, mut lateness) = (Times::new(), Times::new());
    let start = Instant::now();
    for place in 1..=number {
        message.copy_from_slice(conversation.script.at(conversation.position, size));
        let due = start + interval * place;
        wait_until(due, waiting);
        lateness.record(due.elapsed());
        conversation.exchange(&message, &mut echo)?;
        times.record(clock.since(due));
        conversation.verify(&echo[..size])?;
    }
    let tally = Tally::of_times(times, start.elapsed(), Duration::ZERO);
    Ok(Tally { lateness: Some(lateness), ..tally })
}

/// A side that never sleeps does not sleep here either.
fn wait_until(due: Instant, waiting: Waiting) {
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        match waiting {
            Waiting::Blocks => thread::park_timeout(left),
            Waiting::Spins => std::hint::spin_loop(),
            Waiting::Yields => thread::yield_now(),
        }
    }
}

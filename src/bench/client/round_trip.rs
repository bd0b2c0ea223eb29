//! Round trips, in a closed loop and in an open one.

use std::thread;
use std::time::{Duration, Instant};

use super::conversation::{Conversation, MeasureError};
use super::tally::{Latencies, LoopResult};
use super::timing::{Clock, MeasurementLimit};
use crate::transport::ClientWaitMode;

/// Measures round trips in a closed loop: exchanges messages of `size` bytes, at least one, until `limit` is reached.
/// Sends the next message when the last one is back.
///
/// Between the two readings of the clock there is nothing but the exchange. The next message is prepared, and the last
/// one compared with what was sent, outside of the timed interval.
pub(super) fn measure_closed_loop(
    conversation: &mut Conversation<'_>,
    size: usize,
    limit: MeasurementLimit,
    clock: Clock,
) -> Result<LoopResult, MeasureError> {
    let (mut message, mut echo) = (vec![0; size], vec![0; size + 1]);
    let (mut latencies, mut sum) = (Latencies::new(), Duration::ZERO);
    let start = Instant::now();
    loop {
        message.copy_from_slice(conversation.stream.bytes_at(conversation.position, size));
        let began = Instant::now();
        conversation.exchange(&message, &mut echo)?;
        let took = clock.time_since(began);
        conversation.verify(&echo[..size])?;
        latencies.record(took);
        sum += took;
        if limit.is_reached(began.duration_since(start), latencies.count()) {
            let elapsed = start.elapsed();
            return Ok(LoopResult::from_latencies(latencies, elapsed, elapsed.saturating_sub(sum)));
        }
    }
}

/// Measures round trips in an open loop: sends messages of `size` bytes at fixed times, `rate` each second, for
/// `limit`, at least one.
///
/// The time of a message counts from the moment at which it was due. If one message is held up, those behind it include
/// their wait for it. Otherwise the slowest moments would be measured least ("coordinated omission").
///
/// Between messages the client does what an idle program does: it asks the kernel to wake it when the next one is due
/// (a timed futex wait, `CLOCK_MONOTONIC`). The wake-up is part of what is measured.
pub(super) fn measure_open_loop(
    conversation: &mut Conversation<'_>,
    (size, rate): (usize, f64),
    limit: Duration,
    waiting: ClientWaitMode,
    clock: Clock,
) -> Result<LoopResult, MeasureError> {
    let interval = Duration::from_secs_f64(1.0 / rate);
    let number = (limit.as_secs_f64() * rate).round().max(1.0) as u32;
    let (mut message, mut echo) = (vec![0; size], vec![0; size + 1]);
    let (mut latencies, mut lateness) = (Latencies::new(), Latencies::new());
    let start = Instant::now();
    for place in 1..=number {
        message.copy_from_slice(conversation.stream.bytes_at(conversation.position, size));
        let due = start + interval * place;
        wait_until(due, waiting);
        lateness.record(due.elapsed());
        conversation.exchange(&message, &mut echo)?;
        latencies.record(clock.time_since(due));
        conversation.verify(&echo[..size])?;
    }
    let tally = LoopResult::from_latencies(latencies, start.elapsed(), Duration::ZERO);
    Ok(LoopResult { lateness: Some(lateness), ..tally })
}

/// Waits until `due`, the instant at which the client sends its next message. A client that never sleeps does not
/// sleep here either.
fn wait_until(due: Instant, waiting: ClientWaitMode) {
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        match waiting {
            ClientWaitMode::Block => thread::park_timeout(left),
            ClientWaitMode::Spin => std::hint::spin_loop(),
            ClientWaitMode::Yield => thread::yield_now(),
        }
    }
}

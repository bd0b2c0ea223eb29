//! Measures connections: connect, echo one message, close, and again.

use std::time::{Duration, Instant};

use super::conversation::{Conversation, MeasureError};
use super::tally::{Latencies, LoopResult};
use super::timing::{Clock, MeasurementLimit};

/// The maximum number of connections that one measurement makes, one after another.
///
/// Each leaves one in TIME_WAIT for a minute (RFC 9293 §3.4.2), and the client's port with it. A run must not exhaust the
/// machine's ports.
const MAX_CONNECTIONS: u64 = 1000;

/// Measures connections per second: calls `connect` until `limit` is reached, at least once, at most a thousand
/// times.
pub(super) fn measure_connections<'a>(
    mut connect: impl FnMut() -> Result<Conversation<'a>, MeasureError>,
    size: usize,
    limit: MeasurementLimit,
    clock: Clock,
) -> Result<LoopResult, MeasureError> {
    let (mut latencies, mut sum) = (Latencies::new(), Duration::ZERO);
    let mut echo = vec![0; size + 1];
    let start = Instant::now();
    while latencies.count() < MAX_CONNECTIONS {
        let began = Instant::now();
        let mut conversation = connect()?;
        let (stream, position) = (conversation.stream, conversation.position);
        conversation.exchange(stream.bytes_at(position, size), &mut echo)?;
        drop(conversation);
        let took = clock.time_since(began);
        stream.verify(position, &echo[..size]).map_err(MeasureError::WrongBytes)?;
        latencies.record(took);
        sum += took;
        if limit.is_reached(start.elapsed(), latencies.count()) {
            break;
        }
    }
    let elapsed = start.elapsed();
    let tally = LoopResult::from_latencies(latencies, elapsed, elapsed.saturating_sub(sum));
    Ok(LoopResult { value: tally.messages as f64 / sum.as_secs_f64().max(f64::MIN_POSITIVE), ..tally })
}

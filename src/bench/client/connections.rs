//! Connecting, one message there and back, closing: again and again.

use std::time::{Duration, Instant};

use super::conversation::{Conversation, Trouble};
use super::timing::{Clock, Limit};

use super::tally::{Tally, Times};

/// Each connection leaves one in TIME_WAIT for a minute, and a port of the client's with it (RFC 9293 §3.4.2): a run
/// must not use up what the machine has of them.
const MOST: u64 = 1000;

/// Makes connections by `connect` up to `limit`, but no more than a thousand, at least one. The figure is how many fit
/// into a second of the time that they themselves took.
pub(super) fn run<'a>(
    mut connect: impl FnMut() -> Result<Conversation<'a>, Trouble>,
    size: usize,
    limit: Limit,
    clock: Clock,
) -> Result<Tally, Trouble> {
    let (mut times, mut sum) = (Times::new(), Duration::ZERO);
    let mut echo = vec![0; size + 1];
    let start = Instant::now();
    while times.count() < MOST {
        let began = Instant::now();
        let mut met = connect()?;
        let (script, position) = (met.script, met.position);
        met.exchange(script.at(position, size), &mut echo)?;
        drop(met);
        let took = clock.since(began);
        script.verify(position, &echo[..size]).map_err(Trouble::Wrong)?;
        times.record(took);
        sum += took;
        if limit.is_reached(start.elapsed(), times.count()) {
            break;
        }
    }
    let elapsed = start.elapsed();
    let tally = Tally::of_times(times, elapsed, elapsed.saturating_sub(sum));
    Ok(Tally { figure: tally.messages as f64 / sum.as_secs_f64().max(f64::MIN_POSITIVE), ..tally })
}

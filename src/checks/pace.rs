//! Steps that a check repeats, and how often it repeats them with a slow server.

use std::time::{Duration, Instant};

use crate::check;

/// The mean time of one step from which a server counts as slow. On a busy machine a step takes a few milliseconds.
const SLOW: Duration = Duration::from_millis(30);

/// The time after which a check repeats no further steps with a slow server.
const LIMIT: Duration = Duration::from_secs(3);

/// Calls `step` with the numbers from 0 to `times` - 1. With a slow server it stops early, but not before `enough`
/// calls: their results show what the others would show. Returns the number of calls.
///
/// # Errors
/// The first error of `step`.
pub(super) fn repeat(
    times: usize,
    enough: usize,
    mut step: impl FnMut(usize) -> check::Result,
) -> check::Result<usize> {
    let began = Instant::now();
    for number in 0..times {
        step(number)?;
        let (done, elapsed) = (number + 1, began.elapsed());
        let mean = elapsed.as_secs_f64() / done as f64;
        if done >= enough && elapsed >= LIMIT && mean >= SLOW.as_secs_f64() {
            return Ok(done);
        }
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadline::wait;

    #[test]
    fn fast_steps_are_all_taken() {
        assert!(matches!(repeat(1000, 1, |_| Ok(())), Ok(1000)));
    }

    #[test]
    fn slow_steps_stop_once_enough_are_taken() {
        let slow = |_| wait(&mut [], LIMIT / 4).map(drop);
        assert!(matches!(repeat(1000, 2, slow), Ok(4..=5)));
    }
}

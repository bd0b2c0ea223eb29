//! Steps that a check repeats, and how often it repeats them with a slow server.

use std::time::{Duration, Instant};

use crate::check;

/// The time from which a step counts as slow. On a busy machine some steps take long, but not all: a server is slow if
/// three quarters of its steps are.
const SLOW: Duration = Duration::from_millis(30);

/// The time after which a check repeats no further steps with a slow server.
const LIMIT: Duration = Duration::from_secs(3);

/// The time after which a check repeats no further steps with any server.
const LONGEST: Duration = Duration::from_secs(60);

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
    let (began, mut slow) = (Instant::now(), 0);
    for number in 0..times {
        let step_began = Instant::now();
        step(number)?;
        slow += usize::from(step_began.elapsed() >= SLOW);
        let (done, elapsed) = (number + 1, began.elapsed());
        let is_slow = 4 * slow >= 3 * done;
        if done >= enough && (elapsed >= LIMIT && is_slow || elapsed >= LONGEST) {
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
        assert!(matches!(repeat(1000, 2, slow), Ok(2..=5)));
    }
}

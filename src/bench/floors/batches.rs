//! Times operations that are too short for one reading of the clock, in batches.

use std::io;
use std::time::{Duration, Instant};

use crate::bench::comparison::Estimate;

/// The number of batches of calls that are timed to measure a floor, an operation of the machine itself.
const BATCHES: usize = 25;

/// The minimum number of batches of calls from which a 95 % confidence interval is computed.
const MIN_BATCHES: usize = 6;

/// The maximum time for all batches of calls that measure one floor. A busy machine may not complete them all.
const MAX_TIME: Duration = Duration::from_millis(60);

/// The number of times that a batch of calls checks its time limit: so few that it costs nothing.
const CHECKS_PER_BATCH: u32 = 8;

/// Measures the time of one call of `operation` in ns: the median over batches of the mean over `repetitions`.
///
/// The first batch is warm-up. A batch that is cut short by the maximum time does not count.
///
/// # Errors
/// [`TimedOut`](io::ErrorKind::TimedOut) if there was no time for enough batches.
pub(super) fn time_per_call(repetitions: u32, mut operation: impl FnMut()) -> io::Result<Estimate> {
    let start = Instant::now();
    let interval = (repetitions / CHECKS_PER_BATCH).max(1);
    let mut batch = || {
        let began = Instant::now();
        for repetition in 0..repetitions {
            if repetition.is_multiple_of(interval) && start.elapsed() >= MAX_TIME {
                return None;
            }
            operation();
        }
        Some(began.elapsed().as_secs_f64() * 1e9 / f64::from(repetitions))
    };
    let batches: Vec<f64> = std::iter::from_fn(&mut batch).take(BATCHES + 1).skip(1).collect();
    if batches.len() < MIN_BATCHES { Err(too_few(batches.len())) } else { Ok(median(batches)) }
}

fn too_few(completed: usize) -> io::Error {
    let text = format!(
        "the processors were busy: only {completed} of at least {MIN_BATCHES} batches were completed in {} ms",
        MAX_TIME.as_millis()
    );
    io::Error::new(io::ErrorKind::TimedOut, text)
}

/// Returns the median of `values` with its 95 % confidence interval from order statistics, by the normal
/// approximation of the binomial distribution. For few values the interval is their whole range.
fn median(mut values: Vec<f64>) -> Estimate {
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    let count = values.len() as f64;
    let rank = ((count - 1.96 * count.sqrt()) / 2.0).max(0.0) as usize;
    let middle = f64::midpoint(values[last / 2], values[last.div_ceil(2)]);
    Estimate { value: middle, low: values[rank], high: values[last - rank] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_of_25_batches_leaves_out_7_at_each_end() {
        let estimate = median((1..=25).rev().map(f64::from).collect());
        assert_eq!(estimate, Estimate { value: 13.0, low: 8.0, high: 18.0 });
    }

    #[test]
    fn interval_of_6_batches_is_their_range() {
        let estimate = median((1..=6).map(f64::from).collect());
        assert_eq!(estimate, Estimate { value: 3.5, low: 1.0, high: 6.0 });
    }

    #[test]
    fn times_out_without_enough_batches() {
        let all_the_time = || {
            let began = Instant::now();
            while began.elapsed() < MAX_TIME {}
        };
        let error = time_per_call(CHECKS_PER_BATCH, all_the_time).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().contains("0 of at least 6"), "{error}");
    }
}

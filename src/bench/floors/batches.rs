//! What takes too little time for one reading of the clock: timed in batches.

use std::io;
use std::time::{Duration, Instant};

use crate::bench::comparison::Estimate;

/// How many batches a time is the median of.
const BATCHES: usize = 25;

/// Fewer tell no interval of 95 %.
const FEWEST: usize = 6;

/// When it must do with the batches it has: a machine that is busy elsewhere makes each take long.
const LONGEST: Duration = Duration::from_millis(60);

/// How often in a batch it is looked whether the time is up: seldom enough to cost nothing.
const GLANCES: u32 = 8;

/// The time that `once` takes in ns: the median over batches of the mean over `repetitions`. The first batch warms up;
/// one that the end of the time cuts short does not count.
///
/// # Errors
/// [`TimedOut`](io::ErrorKind::TimedOut) where there is no time for enough of them.
pub(super) fn sample(repetitions: u32, mut once: impl FnMut()) -> io::Result<Estimate> {
    let start = Instant::now();
    let glance = (repetitions / GLANCES).max(1);
    let mut batch = || {
        let began = Instant::now();
        for repetition in 0..repetitions {
            if repetition.is_multiple_of(glance) && start.elapsed() >= LONGEST {
                return None;
            }
            once();
        }
        Some(began.elapsed().as_secs_f64() * 1e9 / f64::from(repetitions))
    };
    let batches: Vec<f64> = std::iter::from_fn(&mut batch).take(BATCHES + 1).skip(1).collect();
    if batches.len() < FEWEST { Err(too_few(batches.len())) } else { Ok(median(batches)) }
}

fn too_few(held: usize) -> io::Error {
    let text = format!(
        "the processors were busy with something else: {held} of at least {FEWEST} batches were held in {} ms",
        LONGEST.as_millis()
    );
    io::Error::new(io::ErrorKind::TimedOut, text)
}

/// The median and the two order statistics between which it lies with 95 % confidence, as the binomial distribution
/// (in its normal approximation) has it; of few values the least and the greatest.
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
    fn the_interval_of_25_batches_leaves_7_out_at_each_end() {
        let estimate = median((1..=25).rev().map(f64::from).collect());
        assert_eq!(estimate, Estimate { value: 13.0, low: 8.0, high: 18.0 });
    }

    #[test]
    fn the_interval_of_the_fewest_batches_is_all_of_them() {
        let estimate = median((1..=6).map(f64::from).collect());
        assert_eq!(estimate, Estimate { value: 3.5, low: 1.0, high: 6.0 });
    }

    #[test]
    fn what_leaves_no_time_for_six_batches_has_no_time_of_its_own() {
        let all_of_it = || {
            let began = Instant::now();
            while began.elapsed() < LONGEST {}
        };
        let error = sample(GLANCES, all_of_it).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().contains("0 of at least 6"), "{error}");
    }
}

//! Estimates how much measurements vary by chance.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::bench::statistics::{bootstrap_medians, median_in_place};

/// The number of bootstrap resamples of a run's rounds, to estimate the error of their median.
const RESAMPLES: usize = 1_000;

/// The number of comparisons of unchanged servers among which one may report a change by chance.
const COMPARISONS_PER_FALSE_ALARM: f64 = 200.0;

/// Sorts `values` and returns their median, or 0 if there are none.
pub(super) fn median(values: &mut [f64]) -> f64 {
    median_in_place(values).unwrap_or_default()
}

/// Estimates the standard error of the median of `rounds` by bootstrap (Efron 1979). It includes the effect of a second
/// mode of their distribution.
pub(super) fn standard_error(rounds: &[f64], random: &mut ChaCha8Rng) -> f64 {
    standard_deviation(&bootstrap_medians(rounds, RESAMPLES, random))
}

/// Returns a random generator with a fixed seed, so that comparing two files again gives the same result.
pub(super) fn fixed_seed_generator() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(0)
}

fn standard_deviation(values: &[f64]) -> f64 {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()
}

/// Estimates a normal distribution's standard deviation from `deviations` from its mean, ignoring outliers: the median
/// absolute deviation, scaled.
pub(super) fn robust_deviation(deviations: &[f64]) -> f64 {
    let mut absolute: Vec<f64> = deviations.iter().map(|deviation| deviation.abs()).collect();
    1.4826 * median(&mut absolute)
}

/// Returns a critical value for judging `count` measurements: the number of standard errors that chance does not
/// exceed in any of them, except in one comparison of many.
///
/// For a normal distribution, the probability beyond z is less than exp(-z²/2)/2. Solved for z, this bound is slightly
/// too wide, which suits a small number of rounds.
pub(super) fn critical_value(count: usize) -> f64 {
    (2.0 * (COMPARISONS_PER_FALSE_ALARM * count.max(1) as f64 / 2.0).ln()).sqrt()
}

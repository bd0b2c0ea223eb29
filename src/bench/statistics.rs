//! Medians of rounds and their confidence intervals.
//!
//! Intervals come from the percentile bootstrap (Efron 1979): the rounds are resampled with replacement, and the middle
//! 95 % of the medians are the interval. The variant BCa would correct the interval by a jackknife, which does not
//! converge for a median (Efron and Tibshirani 1993, §10.6). For a handful of rounds its correction is noise.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::comparison::Estimate;

/// The number of bootstrap resamples for the confidence interval of an estimate.
const RESAMPLES: usize = 2000;

/// The confidence level of an estimate's interval.
const CONFIDENCE: f64 = 0.95;

/// Returns the median of `values`, or `None` if there are none.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    median_in_place(&mut values.to_vec())
}

/// Sorts `values`, and returns their median.
pub(super) fn median_in_place(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len().is_multiple_of(2) { Some(f64::midpoint(values[middle - 1], upper)) } else { Some(upper) }
}

/// Returns the median of `values` with its confidence interval, or `None` if `values` is empty. `seed` determines the
/// resamples.
#[must_use]
pub fn estimate_median(values: &[f64], seed: u64) -> Option<Estimate> {
    let value = median(values)?;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut medians = bootstrap_medians(values, RESAMPLES, &mut random);
    medians.sort_by(f64::total_cmp);
    let tail = (1.0 - CONFIDENCE) / 2.0;
    Some(Estimate { value, low: quantile(&medians, tail), high: quantile(&medians, 1.0 - tail) })
}

/// Returns the median of the ratios of `pairs`, with its confidence interval. A disturbance that lasts a whole round
/// affects both values of its pair, and cancels out.
///
/// Returns `None` if there is no pair with a positive divisor.
#[must_use]
pub fn estimate_ratio(pairs: &[(f64, f64)], seed: u64) -> Option<Estimate> {
    let usable = pairs.iter().filter(|(_, divisor)| *divisor > 0.0);
    estimate_median(&usable.map(|(value, divisor)| value / divisor).collect::<Vec<_>>(), seed)
}

/// Returns the medians of `count` bootstrap resamples of `values`.
pub(super) fn bootstrap_medians(values: &[f64], count: usize, random: &mut ChaCha8Rng) -> Vec<f64> {
    let mut sample = vec![0.0; values.len()];
    let resample = |_| {
        sample.fill_with(|| values[below(random, values.len())]);
        median_in_place(&mut sample)
    };
    (0..count).filter_map(resample).collect()
}

/// Shuffles `items` (Fisher and Yates).
pub(super) fn shuffle<T>(items: &mut [T], random: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(random, last + 1));
    }
}

/// Returns a random number from 0 to `limit` − 1. Its bias is below `limit` / 2⁶⁴.
fn below(random: &mut ChaCha8Rng, limit: usize) -> usize {
    usize::try_from(random.next_u64() % limit.max(1) as u64).unwrap_or_default()
}

/// Returns the value of `sorted` that is nearest to its quantile `share`.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * (sorted.len().saturating_sub(1)) as f64).round();
    sorted.get(rank as usize).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn interval_contains_the_median_and_lies_within_the_values(values in values(), seed: u64) {
            let Estimate { value, low, high } = estimate_median(&values, seed).unwrap();
            let min = values.iter().copied().fold(f64::INFINITY, f64::min);
            let max = values.iter().copied().fold(0.0, f64::max);
            prop_assert!(min <= low && low <= value && value <= high && high <= max);
        }

        #[test]
        fn median_does_not_depend_on_the_order(values in values(), seed: u64) {
            let mut shuffled = values.clone();
            shuffle(&mut shuffled, &mut ChaCha8Rng::seed_from_u64(seed));
            prop_assert_eq!(median(&values), median(&shuffled));
        }

        #[test]
        fn constant_ratio_has_an_interval_of_no_width(values in values(), seed: u64) {
            let pairs: Vec<_> = values.iter().map(|value| (2.0 * value, *value)).collect();
            prop_assert_eq!(estimate_ratio(&pairs, seed), Some(Estimate { value: 2.0, low: 2.0, high: 2.0 }));
        }

        #[test]
        fn interval_scales_with_the_unit(values in values(), seed: u64) {
            let one = estimate_median(&values, seed).unwrap();
            let scaled: Vec<_> = values.iter().map(|value| 4.0 * value).collect();
            let four = estimate_median(&scaled, seed).unwrap();
            prop_assert_eq!((4.0 * one.low, 4.0 * one.high), (four.low, four.high));
        }
    }

    fn values() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(1.0..1e9, 1..20)
    }

    #[test]
    fn median_of_nothing_is_none() {
        assert_eq!(estimate_median(&[], 1), None);
        assert_eq!(estimate_ratio(&[(1.0, 0.0)], 1), None);
    }

    #[test]
    fn one_value_has_an_interval_of_no_width() {
        assert_eq!(estimate_median(&[5.0], 1), Some(Estimate { value: 5.0, low: 5.0, high: 5.0 }));
    }

    #[test]
    fn one_outlier_of_nine_moves_the_median_little() {
        let rounds = [10.0, 10.1, 9.9, 10.0, 10.2, 9.8, 10.0, 10.1, 900.0];
        let Estimate { value, high, .. } = estimate_median(&rounds, 7).unwrap();
        assert!(value < 10.2 && high < 11.0, "{value} up to {high}");
    }
}

//! Medians of rounds, and how far they can be trusted.
//!
//! The interval is the percentile bootstrap's (Efron 1979): the rounds are drawn again, with replacement, and the
//! middle 95 % of those medians is the interval. The variant BCa would correct it by a jackknife, which does not
//! converge for a median (Efron and Tibshirani 1993, §10.6): with a handful of rounds it corrects by noise.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::comparison::Estimate;

/// How often the rounds are drawn again.
const DRAWS: usize = 2000;

/// What an interval holds of the draws.
const CONFIDENCE: f64 = 0.95;

/// The middle one of `values`, or the mean of the middle two; `None` of none.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    median_of(&mut sorted)
}

fn median_of(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len().is_multiple_of(2) { Some(f64::midpoint(values[middle - 1], upper)) } else { Some(upper) }
}

/// The median of `values` with its interval, which `seed` determines; `None` of none.
#[must_use]
pub fn estimate(values: &[f64], seed: u64) -> Option<Estimate> {
    let value = median(values)?;
    let mut source = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = vec![0.0; values.len()];
    let mut medians: Vec<f64> = (0..DRAWS)
        .filter_map(|_| {
            draw.fill_with(|| values[below(&mut source, values.len())]);
            median_of(&mut draw)
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let tail = (1.0 - CONFIDENCE) / 2.0;
    Some(Estimate { value, low: quantile(&medians, tail), high: quantile(&medians, 1.0 - tail) })
}

/// The ratio of each pair, and the median of those: what both had of a round's disturbance falls out of it.
/// `None` where there is no pair with a usable divisor.
#[must_use]
pub fn ratio(pairs: &[(f64, f64)], seed: u64) -> Option<Estimate> {
    let usable = pairs.iter().filter(|(_, divisor)| *divisor > 0.0);
    estimate(&usable.map(|(value, divisor)| value / divisor).collect::<Vec<_>>(), seed)
}

/// A number from 0 to `limit` − 1, each as likely but for one part in 2⁶⁴ / `limit`.
pub(super) fn below(source: &mut ChaCha8Rng, limit: usize) -> usize {
    usize::try_from(source.next_u64() % limit.max(1) as u64).unwrap_or_default()
}

/// Puts `items` into an order that `source` determines: Fisher and Yates.
pub(super) fn shuffle<T>(items: &mut [T], source: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(source, last + 1));
    }
}

/// The nearest of `sorted` at the share `share` of it.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = (share * (sorted.len().saturating_sub(1)) as f64).round();
    sorted.get(place as usize).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn an_interval_holds_its_median_and_lies_within_the_values(values in figures(), seed: u64) {
            let Estimate { value, low, high } = estimate(&values, seed).unwrap();
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(0.0, f64::max);
            prop_assert!(least <= low && low <= value && value <= high && high <= most);
        }

        #[test]
        fn the_order_of_rounds_does_not_move_the_median(values in figures(), seed: u64) {
            let mut mixed = values.clone();
            shuffle(&mut mixed, &mut ChaCha8Rng::seed_from_u64(seed));
            prop_assert_eq!(median(&values), median(&mixed));
        }

        #[test]
        fn twice_as_slow_in_every_round_is_a_ratio_of_two_without_doubt(values in figures(), seed: u64) {
            let pairs: Vec<_> = values.iter().map(|value| (2.0 * value, *value)).collect();
            prop_assert_eq!(ratio(&pairs, seed), Some(Estimate { value: 2.0, low: 2.0, high: 2.0 }));
        }

        #[test]
        fn a_larger_unit_scales_the_interval(values in figures(), seed: u64) {
            let one = estimate(&values, seed).unwrap();
            let scaled: Vec<_> = values.iter().map(|value| 4.0 * value).collect();
            let four = estimate(&scaled, seed).unwrap();
            prop_assert_eq!((4.0 * one.low, 4.0 * one.high), (four.low, four.high));
        }
    }

    fn figures() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(1.0..1e9, 1..20)
    }

    #[test]
    fn nothing_has_no_median_and_one_round_no_spread() {
        assert_eq!(estimate(&[], 1), None);
        assert_eq!(estimate(&[5.0], 1), Some(Estimate { value: 5.0, low: 5.0, high: 5.0 }));
        assert_eq!(ratio(&[(1.0, 0.0)], 1), None);
    }

    #[test]
    fn one_wild_round_of_nine_moves_the_median_little() {
        let rounds = [10.0, 10.1, 9.9, 10.0, 10.2, 9.8, 10.0, 10.1, 900.0];
        let Estimate { value, high, .. } = estimate(&rounds, 7).unwrap();
        assert!(value < 10.2 && high < 11.0, "{value} up to {high}");
    }
}

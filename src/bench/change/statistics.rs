//! What chance does.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// How often a run is drawn anew from its own rounds.
const DRAWS: usize = 1_000;

/// In one of so many comparisons of unchanged servers, chance may pass for a change somewhere among the cells.
const RUNS_WITHOUT_ALARM: f64 = 200.0;

/// The middle of the values, which are sorted; zero of none.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match (values.len(), values.len() / 2) {
        (0, _) => 0.0,
        (count, half) if count.is_multiple_of(2) => f64::midpoint(values[half - 1], values[half]),
        (_, half) => values[half],
    }
}

/// How much the median of these rounds would vary from run to run (bootstrap; Efron 1979), if nothing but the rounds
/// varied. It sees both the width of a distribution and its second mode.
pub(super) fn standard_error(rounds: &[f64], random: &mut ChaCha8Rng) -> f64 {
    let mut draw = vec![0.0; rounds.len()];
    let mut medians = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        draw.fill_with(|| rounds[below(rounds.len(), random)]);
        medians.push(median(&mut draw));
    }
    deviation(&medians)
}

/// Numbers that are the same in every run: who compares the same two files twice gets the same answer.
pub(super) fn random() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(0)
}

fn below(bound: usize, random: &mut ChaCha8Rng) -> usize {
    // The high half of a product is uniform enough for bounds far below 2^32 (Lemire 2019).
    ((u64::from(random.next_u32()) * bound as u64) >> 32) as usize
}

fn deviation(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()
}

/// How wide a normal distribution is that has these deviations from its middle, whatever a few of them are.
pub(super) fn robust_width(deviations: &[f64]) -> f64 {
    let mut sizes: Vec<f64> = deviations.iter().map(|deviation| deviation.abs()).collect();
    1.4826 * median(&mut sizes)
}

/// How many standard errors away chance stays in all of `cells` cells, but for one run in many.
///
/// The share p of a normal distribution that is beyond z is less than exp(-z²/2)/2, which is easily solved for z, and
/// errs on the safe side as few rounds demand.
pub(super) fn reach(cells: usize) -> f64 {
    (2.0 * (RUNS_WITHOUT_ALARM * cells.max(1) as f64 / 2.0).ln()).sqrt()
}

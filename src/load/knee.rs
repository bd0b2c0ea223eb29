//! Finds the highest rate at which the latency holds: raises the rate until it breaks, then closes in.

use std::time::Duration;

use super::plan::Plan;
use super::results::{ACHIEVED, Results};

/// The limit that the 99th percentile must keep.
#[derive(Debug, Clone, Copy)]
pub struct Limit(pub Duration);

/// One rate that was tried.
#[derive(Debug)]
pub struct Step {
    /// The number of requests a second that were due.
    pub rate: f64,
    /// The results at this rate.
    pub results: Results,
    /// The reason why the rate is too high, if it is.
    pub broken: Option<String>,
}

/// The factor by which the rate is raised as long as the latency holds.
const RAISE: f64 = 1.5;

/// The maximum number of rates that are tried.
const MAX_STEPS: usize = 24;

/// The ratio of the lowest broken rate to the highest good one at which the search ends.
const CLOSE_ENOUGH: f64 = 1.05;

/// The rate at which the search begins, unless the plan names one.
const FIRST: f64 = 1000.0;

/// Tries rates with `run` until the knee is known to 5 %, and returns all steps in order. Ends early if a reply is
/// wrong or the run is interrupted.
///
/// # Errors
/// Those of `run`.
pub fn find_knee<E>(
    plan: &Plan,
    limit: Limit,
    mut run: impl FnMut(&Plan) -> Result<Results, E>,
) -> Result<Vec<Step>, E> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut good, mut broken): (Option<f64>, Option<f64>) = (None, None);
    let mut rate = plan.rate.unwrap_or(FIRST);
    while steps.len() < MAX_STEPS {
        let results = run(&Plan { rate: Some(rate), ..plan.clone() })?;
        let reason = why_broken(rate, &results, limit);
        let is_over = results.wrong_replies() > 0 || results.is_interrupted;
        match &reason {
            None => good = Some(rate),
            Some(_) => broken = Some(rate),
        }
        steps.push(Step { rate, results, broken: reason });
        if is_over {
            break;
        }
        match next_rate(good, broken) {
            Some(next) => rate = next,
            None => break,
        }
    }
    Ok(steps)
}

/// Returns the rate to try next, or `None` if the knee is known well enough.
fn next_rate(good: Option<f64>, broken: Option<f64>) -> Option<f64> {
    match (good, broken) {
        (Some(good), None) => Some(good * RAISE),
        (None, Some(broken)) => (broken > 1.0).then_some(broken / 4.0),
        (Some(good), Some(broken)) if broken / good > CLOSE_ENOUGH => Some((good * broken).sqrt()),
        _ => None,
    }
}

/// Returns the reason why a rate is too high, or `None` if it holds.
fn why_broken(rate: f64, results: &Results, Limit(limit): Limit) -> Option<String> {
    let p99 = Duration::from_nanos(results.latencies.value_at_quantile(0.99));
    if results.errors.total() > 0 || results.unanswered > 0 {
        return Some(format!("{} errors", results.errors.total() + results.unanswered));
    }
    if results.rate() < rate * ACHIEVED {
        return Some(format!("{:.0} requests/s achieved", results.rate()));
    }
    (p99 > limit).then(|| format!("p99 above {limit:?}"))
}

/// Returns the step with the highest rate that holds.
#[must_use]
pub fn last_good(steps: &[Step]) -> Option<&Step> {
    let good = steps.iter().filter(|step| step.broken.is_none());
    good.max_by(|one, other| one.rate.total_cmp(&other.rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the rate that the search finds if every rate above `knee` breaks.
    fn search(knee: f64) -> f64 {
        let (mut good, mut broken, mut rate) = (None, None, FIRST);
        for _ in 0..MAX_STEPS {
            if rate > knee {
                broken = Some(rate);
            } else {
                good = Some(rate);
            }
            match next_rate(good, broken) {
                Some(next) => rate = next,
                None => break,
            }
        }
        good.unwrap()
    }

    #[test]
    fn search_closes_in_on_the_knee() {
        for knee in [3.0, 900.0, 5_000.0, 123_456.0, 2_000_000.0] {
            let found = search(knee);
            assert!(found <= knee && found * CLOSE_ENOUGH >= knee, "{found} for {knee}");
        }
    }
}

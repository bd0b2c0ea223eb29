//! What changed between two runs, and whether it is more than noise.
//!
//! The figures of one machine move by several per cent from hour to hour, all of them together; what two runs can tell
//! is how a mechanism moved *against the others*. So the drift that the others have in common is taken out first,
//! round by round, and only then is anyone judged. A change counts if it is beyond the threshold *and* beyond what
//! chance makes of so many cells.

use std::collections::BTreeMap;

use crate::bench::comparison::{Cell, Comparison, Estimate, Measure, Placement};

mod judge;
mod series;
mod settings;
mod statistics;
mod system_calls;
#[cfg(test)]
mod tests;

pub use settings::Difference;
pub use system_calls::Calls;

/// A change that is smaller is of no interest, as a part of the figure.
pub const THRESHOLD: f64 = 0.05;

/// Fewer rounds than this tell nothing of noise: the whole range of n rounds holds the true median with probability
/// 1 - 2 / 2^n, and six are the fewest for 95 %.
pub const FEWEST_ROUNDS: usize = 6;

/// Two runs, side by side.
#[derive(Debug, Clone)]
pub struct Changes {
    /// Each figure that both runs have, in the order of the second.
    pub cells: Vec<Change>,
    /// How the machine as a whole moved: a mechanism's time, then by now. It has been taken out of every change.
    pub drifts: Vec<Drift>,
    /// Servers that make another number of system calls for each message.
    pub calls: Vec<Calls>,
    /// What is not the same any more: kernel, tuning, facts of the machine.
    pub differences: Vec<Difference>,
    /// Figures of the first run which the second has not, and the reverse, by the names of their arms.
    pub unpaired: Vec<String>,
    /// Changes below it are of no interest.
    pub threshold: f64,
}

/// One figure, then and now.
#[derive(Debug, Clone)]
pub struct Change {
    /// The name of its arm.
    pub arm: String,
    /// Where the two ran.
    pub placement: Placement,
    /// What was measured.
    pub measure: Measure,
    /// The size of a message in bytes.
    pub size: usize,
    /// Messages per second, for an open loop.
    pub rate: Option<f64>,
    /// The figure of the first run.
    pub before: f64,
    /// The figure of the second run.
    pub now: f64,
    /// The time per message now by that before, without the drift: 1.1 is a tenth slower, for throughput too. The
    /// interval is as wide as the number of cells demands, so that chance leaves it in hardly any run.
    pub times: Estimate,
    /// What is to be made of it.
    pub verdict: Verdict,
}

/// What a change means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It takes less time than it did.
    Faster,
    /// It takes more time than it did.
    Slower,
    /// Nothing that chance does not do.
    WithinNoise,
    /// One of the runs has fewer than [`FEWEST_ROUNDS`]: nothing can be said.
    TooFewRounds,
    /// The others are judged by it: it stands still by definition.
    Yardstick,
}

impl Verdict {
    /// As reports write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Verdict::Faster => "faster",
            Verdict::Slower => "slower",
            Verdict::WithinNoise => "within noise",
            Verdict::TooFewRounds => "too few rounds",
            Verdict::Yardstick => "yardstick",
        }
    }
}

/// How everything moved together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// Of figures by this measure …
    pub measure: Measure,
    /// … under this placement.
    pub placement: Placement,
    /// The time per message now by that before.
    pub times: f64,
}

impl Changes {
    /// Compares `now` with `before`; `threshold` is the smallest change of interest, [`THRESHOLD`] as a rule.
    #[must_use]
    pub fn between(before: &Comparison, now: &Comparison, threshold: f64) -> Changes {
        let groups = series::pair(before, now);
        let cells = judge::judge(&groups, threshold);
        Changes {
            drifts: drifts(&groups),
            calls: system_calls::between(before, now),
            differences: settings::between(before, now),
            unpaired: unpaired(before, now),
            cells,
            threshold,
        }
    }

    /// Whether anything takes more time than it did, or more system calls for each message.
    #[must_use]
    pub fn regressed(&self) -> bool {
        self.cells.iter().any(|change| change.verdict == Verdict::Slower)
            || self.calls.iter().any(|calls| calls.now > calls.before)
    }
}

fn drifts(groups: &[series::Group]) -> Vec<Drift> {
    let mut moved: BTreeMap<(Measure, Placement), Vec<f64>> = BTreeMap::new();
    for group in groups {
        let of = moved.entry((group.terms.measure, group.terms.placement)).or_default();
        of.extend(group.yardsticks().map(series::Series::raw_change));
    }
    let drift = |((measure, placement), mut changes): ((Measure, Placement), Vec<f64>)| Drift {
        measure,
        placement,
        times: statistics::median(&mut changes).exp(),
    };
    moved.into_iter().map(drift).collect()
}

/// Arms that only one of the runs has figures of, or has fewer.
fn unpaired(before: &Comparison, now: &Comparison) -> Vec<String> {
    let alone = |here: &Comparison, there: &Comparison| -> Vec<String> {
        let lone = |cell: &&Cell| !there.cells.iter().any(|other| series::same(cell, other));
        here.cells.iter().filter(lone).map(|cell| cell.arm.clone()).collect()
    };
    let mut names = [alone(before, now), alone(now, before)].concat();
    names.sort();
    names.dedup();
    names
}

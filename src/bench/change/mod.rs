//! Finds what changed between two runs beyond noise.
//!
//! All times of a machine drift together by several per cent from hour to hour. Two runs can show only how one candidate
//! moved *relative to the others*. So the common drift of the control candidates is removed first, round by round. A
//! change counts if it exceeds the threshold *and* what chance makes of so many measurements.

use std::collections::BTreeMap;

use super::comparison::{Comparison, Estimate, Measure, Measurement, Parameters, Placement};

mod judge;
mod series;
mod settings;
mod statistics;
mod system_calls;
#[cfg(test)]
mod tests;

/// The default threshold: smaller changes are not reported.
pub const THRESHOLD: f64 = 0.05;

/// Minimum number of rounds to judge a change or to rank a measurement.
///
/// The range of n rounds contains the true median with probability 1 - 2 / 2^n. Six is the minimum for 95 %.
pub const MIN_ROUNDS: usize = 6;

/// The changes between two runs.
#[derive(Debug, Clone)]
pub struct Changes {
    /// Each measurement that is in both runs, in the order of the second.
    pub measurements: Vec<Change>,
    /// The drift of the machine. It has been removed from every change.
    pub drifts: Vec<Drift>,
    /// Servers that make a different number of system calls for each message.
    pub calls: Vec<SystemCallChange>,
    /// Settings that differ: kernel, tuning, facts of the machine.
    pub settings: Vec<SettingChange>,
    /// The names of candidates with measurements that are only in one of the runs.
    pub unpaired: Vec<String>,
    /// The threshold used.
    pub threshold: f64,
}

/// The change of one measurement.
#[derive(Debug, Clone)]
pub struct Change {
    /// The name of the candidate.
    pub candidate: String,
    /// The settings of the measurement.
    pub parameters: Parameters,
    /// The estimate of the first run.
    pub before: f64,
    /// The estimate of the second run.
    pub now: f64,
    /// The ratio of times per message, without drift. 1.1 means 10 % slower, for throughput as well. The interval is
    /// wide enough that chance leaves it in hardly any comparison of so many measurements.
    pub time_ratio: Estimate,
    /// The judgement of this change.
    pub verdict: Verdict,
}

/// The judgement of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It takes significantly less time.
    Faster,
    /// It takes significantly more time.
    Slower,
    /// The change is below the threshold, or may be chance.
    WithinNoise,
    /// One of the runs has fewer than [`MIN_ROUNDS`].
    TooFewRounds,
    /// It is the control by which the others are judged, and is assumed to be unchanged.
    Control,
}

impl Verdict {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Faster => "faster",
            Verdict::Slower => "slower",
            Verdict::WithinNoise => "within noise",
            Verdict::TooFewRounds => "too few rounds",
            Verdict::Control => "control",
        }
    }
}

/// The drift of the machine in one measure and placement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// The quantity measured.
    pub measure: Measure,
    /// Where client and server ran.
    pub placement: Placement,
    /// The ratio of the controls' times per message.
    pub time_ratio: f64,
}

/// A server that makes a different number of system calls for each message.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemCallChange {
    /// The name of the candidate.
    pub candidate: String,
    /// Where client and server ran.
    pub placement: Placement,
    /// The size of a message in bytes.
    pub size: usize,
    /// The system calls for one message there and back in the first run.
    pub before: u32,
    /// The system calls in the second run.
    pub now: u32,
}

/// A setting that differs between the runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingChange {
    /// The name of the setting.
    pub name: String,
    /// Its value in the first run. Empty if unknown.
    pub before: String,
    /// Its value in the second run. Empty if unknown.
    pub now: String,
}

impl Changes {
    /// Compares `now` with `before`. Reports changes above `threshold`: see [`THRESHOLD`].
    #[must_use]
    pub fn between(before: &Comparison, now: &Comparison, threshold: f64) -> Changes {
        let groups = series::pair(before, now);
        Changes {
            measurements: judge::judge(&groups, threshold),
            drifts: drifts(&groups),
            calls: system_calls::changes(before, now),
            settings: settings::changes(before, now),
            unpaired: unpaired(before, now),
            threshold,
        }
    }

    /// Whether a candidate takes more time, or its server more system calls for each message.
    #[must_use]
    pub fn regressed(&self) -> bool {
        self.measurements.iter().any(|change| change.verdict == Verdict::Slower)
            || self.calls.iter().any(|calls| calls.now > calls.before)
    }
}

fn drifts(groups: &[series::Group]) -> Vec<Drift> {
    let mut changes: BTreeMap<(Measure, Placement), Vec<f64>> = BTreeMap::new();
    for group in groups {
        let of = changes.entry((group.parameters.measure, group.parameters.placement)).or_default();
        of.extend(group.controls().map(series::Series::raw_change));
    }
    let drift = |((measure, placement), mut changes): ((Measure, Placement), Vec<f64>)| Drift {
        measure,
        placement,
        time_ratio: statistics::median(&mut changes).exp(),
    };
    changes.into_iter().map(drift).collect()
}

/// Returns the names of candidates with measurements that are only in one of the runs.
fn unpaired(before: &Comparison, now: &Comparison) -> Vec<String> {
    let only = |here: &Comparison, there: &Comparison| -> Vec<String> {
        let alone = |it: &&Measurement| !there.measurements.iter().any(|other| series::is_same(it, other));
        here.measurements.iter().filter(alone).map(|it| it.candidate.clone()).collect()
    };
    let mut names = [only(before, now), only(now, before)].concat();
    names.sort();
    names.dedup();
    names
}

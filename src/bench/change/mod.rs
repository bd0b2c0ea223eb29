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

/// The default threshold of a comparison with an earlier run: smaller changes are not reported.
pub const DEFAULT_THRESHOLD: f64 = 0.05;

/// Minimum number of rounds of a comparison that are needed to judge a change or to rank a measurement.
///
/// The range of n rounds contains the true median with probability 1 - 2 / 2^n. Six is the minimum for 95 %.
pub const MIN_ROUNDS: usize = 6;

/// The changes between two runs of `echospec compare`.
#[derive(Debug, Clone)]
pub struct Changes {
    /// The change of each measurement that two runs have in common, in the order of the second run.
    pub measurements: Vec<Change>,
    /// The drift of the machine between two runs, for each measure and placement. It has been removed from every
    /// reported change.
    pub drifts: Vec<Drift>,
    /// The servers that make a different number of system calls for each message than in the first run.
    pub calls: Vec<SystemCallChange>,
    /// The settings that differ between the two runs: kernel, tuning, facts of the machine.
    pub settings: Vec<SettingChange>,
    /// The names of candidates that have measurements in only one of the two compared runs.
    pub unpaired: Vec<String>,
    /// The threshold above which a change between the two runs counts.
    pub threshold: f64,
}

/// The change of one measurement between two runs of a comparison.
#[derive(Debug, Clone)]
pub struct Change {
    /// The name of the mechanism or server whose measurement changed.
    pub candidate: String,
    /// The settings of a measurement that two runs have in common.
    pub parameters: Parameters,
    /// The estimate of a measurement in the first of two runs.
    pub before: f64,
    /// The estimate of a measurement in the second of two runs.
    pub now: f64,
    /// The ratio of the second run's time per message to the first run's, without the machine's drift. 1.1 means 10 %
    /// slower, for throughput as well. The interval is wide enough that chance leaves it in hardly any comparison of
    /// so many measurements.
    pub time_ratio: Estimate,
    /// The judgement of a measurement's change between two runs.
    pub verdict: Verdict,
}

/// The judgement of a change between two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The measured mechanism or server takes significantly less time than in the earlier run.
    Faster,
    /// The measured mechanism or server takes significantly more time than in the earlier run.
    Slower,
    /// The change of a measurement between two runs is below the threshold, or may be chance.
    WithinNoise,
    /// A change cannot be judged, because one of the runs has fewer than [`MIN_ROUNDS`] rounds.
    TooFewRounds,
    /// The measurement is the control by which other changes are judged, and is assumed to be unchanged.
    Control,
}

impl Verdict {
    /// Returns the word by which reports name the judgement of a change.
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

/// The drift of the machine between two runs, for one measure and placement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// The measured quantity, such as round-trip time, in which the machine drifted between two runs.
    pub measure: Measure,
    /// The placement of client and server in which the machine drifted between two runs.
    pub placement: Placement,
    /// The drift of the machine: the ratio of the control measurements' times per message in the second run to those
    /// in the first.
    pub time_ratio: f64,
}

/// A server that makes a different number of system calls for each message than in the first run.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemCallChange {
    /// The name of the server whose number of system calls changed.
    pub candidate: String,
    /// The placement of client and server for which the number of system calls changed.
    pub placement: Placement,
    /// The size, in bytes, of the messages for which the number of system calls changed.
    pub size: usize,
    /// The number of system calls that a server made for one message there and back in the first run.
    pub before: u32,
    /// The number of system calls that a server made for one message there and back in the second run.
    pub now: u32,
}

/// A setting of a comparison that differs between two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingChange {
    /// The name of a setting that differs between two runs.
    pub name: String,
    /// The value of a setting in the first of two runs. Empty if unknown.
    pub before: String,
    /// The value of a setting in the second of two runs. Empty if unknown.
    pub now: String,
}

impl Changes {
    /// Compares the comparison `now` with the earlier one `before`. Changes above `threshold` count: see
    /// [`DEFAULT_THRESHOLD`].
    #[must_use]
    pub fn between(before: &Comparison, now: &Comparison, threshold: f64) -> Changes {
        let groups = series::pair_series(before, now);
        Changes {
            measurements: judge::judge_changes(&groups, threshold),
            drifts: drifts(&groups),
            calls: system_calls::find_system_call_changes(before, now),
            settings: settings::find_setting_changes(before, now),
            unpaired: unpaired(before, now),
            threshold,
        }
    }

    /// Returns whether a measured candidate takes more time than in the first run, or its server more system calls
    /// for each message.
    #[must_use]
    pub fn has_regression(&self) -> bool {
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

/// Returns the names of candidates that have measurements in only one of two runs.
fn unpaired(before: &Comparison, now: &Comparison) -> Vec<String> {
    let only = |here: &Comparison, there: &Comparison| -> Vec<String> {
        let alone = |it: &&Measurement| {
            !there.measurements.iter().any(|other| series::is_same_measurement(it, other))
        };
        here.measurements.iter().filter(alone).map(|it| it.candidate.clone()).collect()
    };
    let mut names = [only(before, now), only(now, before)].concat();
    names.sort();
    names.dedup();
    names
}

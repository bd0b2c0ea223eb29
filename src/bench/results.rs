//! Computes the measurements of a comparison from the records of its rounds.

use super::candidate::Candidate;
use super::client::Latencies;
use super::comparison::{Estimate, Measurement, MessageCost, Percentiles, Placement, Round};
use super::plan::Plan;
use super::schedule::{NoResult, ScheduleResults, TaskSample};
use super::session::job::Task;
use super::statistics::{estimate_median, estimate_ratio, median};

/// Computes the measurements of a comparison from the samples of all rounds. Returns each one that has a value, or a
/// reason for having none, in the order of candidates, placements and tasks.
pub(super) fn compute_measurements(plan: &Plan, log: &ScheduleResults) -> Vec<Measurement> {
    let mut measurements = Vec::new();
    for (index, candidate) in plan.candidates.iter().enumerate() {
        for &placement in &plan.placements {
            for task in plan.tasks(candidate) {
                let key = Key { index, candidate, placement, task };
                measurements.extend(measurement(&key, log, plan.seed));
            }
        }
    }
    set_ratios(&mut measurements, plan);
    measurements
}

/// The candidate and parameters of a measurement that is being computed.
struct Key<'a> {
    index: usize,
    candidate: &'a Candidate,
    placement: Placement,
    task: Task,
}

impl Key<'_> {
    fn has_record(&self, record: &TaskSample) -> bool {
        (record.candidate, record.placement) == (self.index, self.placement)
            && record.task.is_same_task(&self.task)
    }

    fn has_no_result(&self, other: &NoResult) -> bool {
        (other.candidate, other.placement) == (self.index, self.placement)
            && other.task.is_same_task(&self.task)
    }
}

fn measurement(key: &Key<'_>, log: &ScheduleResults, seed: u64) -> Option<Measurement> {
    let records: Vec<&TaskSample> = log.records.iter().filter(|record| key.has_record(record)).collect();
    let no_result = log.no_results.iter().find(|other| key.has_no_result(other));
    if records.is_empty() && no_result.is_none() {
        return None;
    }
    let values: Vec<f64> = records.iter().map(|record| record.sample.value).collect();
    let counted = log.counted.iter().find(|record| key.has_record(record));
    let counted = counted.map(|record| record.sample.cost).unwrap_or_default();
    let MessageCost { client_calls, server_calls, .. } = counted;
    Some(Measurement {
        candidate: key.candidate.name.clone(),
        placement: key.placement,
        measure: key.task.measure,
        size: key.task.size,
        rate: key.task.rate,
        estimate: estimate_median(&values, seed).unwrap_or(Estimate { value: 0.0, low: 0.0, high: 0.0 }),
        ratio: None,
        percentiles: percentiles(&records),
        cost: MessageCost { client_calls, server_calls, ..median_cost(&records) },
        rounds: records.iter().map(|record| round(record)).collect(),
        no_result: no_result.map(|it| it.reason.clone()),
        server_fault: no_result.is_some_and(|it| it.server_fault),
    })
}

fn round(record: &TaskSample) -> Round {
    let (sample, disturbance) = (record.sample.clone(), record.disturbance);
    Round {
        number: record.round,
        value: sample.value,
        messages: sample.messages,
        seconds: sample.seconds,
        cost: sample.cost,
        repeated: record.repeated,
        foreign: disturbance.known.then_some(disturbance.foreign),
        stolen: disturbance.known.then_some(disturbance.stolen),
        histogram: sample.histogram,
        checking: sample.checking,
        lateness: sample.lateness,
    }
}

/// Returns the percentiles of message times, for the messages of all rounds together.
fn percentiles(records: &[&TaskSample]) -> Option<Percentiles> {
    let mut all = Latencies::new();
    let histograms = records.iter().filter_map(|record| record.sample.histogram.as_deref());
    histograms.filter_map(Latencies::decode).for_each(|latencies| all.add(&latencies));
    (all.count() > 0).then(|| Percentiles {
        min: all.min(),
        p50: all.quantile(0.5),
        p90: all.quantile(0.9),
        p99: all.quantile(0.99),
        p999: all.quantile(0.999),
        max: all.max(),
    })
}

/// Returns the median cost of a message over all rounds, for each component of the cost. System calls are not counted
/// in rounds.
fn median_cost(records: &[&TaskSample]) -> MessageCost {
    let middle = |part: fn(&MessageCost) -> f64| {
        median(&records.iter().map(|record| part(&record.sample.cost)).collect::<Vec<_>>())
            .unwrap_or_default()
    };
    MessageCost {
        client_user: middle(|cost| cost.client_user),
        client_system: middle(|cost| cost.client_system),
        server_user: middle(|cost| cost.server_user),
        server_system: middle(|cost| cost.server_system),
        voluntary_switches: middle(|cost| cost.voluntary_switches),
        involuntary_switches: middle(|cost| cost.involuntary_switches),
        client_calls: None,
        server_calls: None,
    }
}

/// Sets the ratio of each measurement to that of the reference candidate with the same parameters, computed round by
/// round.
fn set_ratios(measurements: &mut [Measurement], plan: &Plan) {
    let is_reference = |it: &Measurement| it.candidate == plan.reference;
    let references: Vec<Measurement> =
        measurements.iter().filter(|it| is_reference(it) && it.no_result.is_none()).cloned().collect();
    for measurement in measurements.iter_mut().filter(|it| !is_reference(it) && it.no_result.is_none()) {
        let same = |it: &&Measurement| it.parameters() == measurement.parameters();
        let Some(reference) = references.iter().find(same) else { continue };
        let pairs: Vec<_> = measurement
            .rounds
            .iter()
            .filter_map(|round| {
                let other = reference.rounds.iter().find(|other| other.number == round.number)?;
                Some((round.value, other.value))
            })
            .collect();
        measurement.ratio = estimate_ratio(&pairs, plan.seed);
    }
}

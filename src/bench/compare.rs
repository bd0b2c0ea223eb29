//! Runs a comparison: resolve placements, try every session, run the rounds, compute the results.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::comparison::{CandidateInfo, Comparison, Method, Placement, SCHEMA};
use super::machine::MachineRecorder;
use super::placement::ResolvedPlacement;
use super::placement::processors::{self, ProcessorPair};
use super::plan::Plan;
use super::schedule::attempt::SessionPlan;
use super::schedule::progress::{self, Progress};
use super::schedule::time_budget::TimeBudget;
use super::schedule::{Schedule, ScheduleResults};
use super::session::SessionSettings;
use super::statistics::median;
use super::{floors, results, warnings};
use crate::deadline::is_interrupted;

/// The reason why `echospec compare` could not measure.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A placement of client and server is not available on this machine.
    #[error("placement '{name}' is not available here: {reason}")]
    Placement {
        /// The name of the placement that is not available.
        name: &'static str,
        /// The reason why a placement of client and server is not available.
        reason: String,
    },
    /// A server given by `--server` cannot be measured.
    #[error("{name}: {reason}")]
    Server {
        /// The name of the server that cannot be measured.
        name: String,
        /// The reason why a server given by `--server` cannot be measured.
        reason: String,
    },
    /// The system does not tell which processors this process may use.
    #[error("cannot find the processors that this process may use: {0}")]
    Processors(#[source] std::io::Error),
}

/// Measures the mechanisms and servers that `plan` names, and calls `on_progress` before each session.
///
/// [`crate::deadline::interrupt_program`] ends it early. The results are then computed from the rounds until then.
///
/// # Errors
/// [`CompareError`] if nothing can be measured as planned.
pub fn compare(plan: &Plan, mut on_progress: impl FnMut(&Progress)) -> Result<Comparison, CompareError> {
    let (began, since) = (SystemTime::now(), Instant::now());
    let pair = processors::choose_processors().map_err(CompareError::Processors)?;
    let placements = resolve(plan, &pair)?;
    let machine = MachineRecorder::begin(&pair);
    let floors = floors::measure_floors(&pair);
    let sessions = sessions(plan, &placements);
    let mut schedule = Schedule::new(plan, settings(plan), sessions, since, &mut on_progress);
    let budget = schedule.calibrate();
    check_servers(plan, &schedule.log)?;
    schedule.run(&budget);
    progress::publish_progress(None);
    let log = schedule.log;
    let mut comparison = Comparison {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        began: began.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
        seconds: since.elapsed().as_secs_f64(),
        seed: plan.seed,
        interrupted: is_interrupted(),
        machine: machine.end(),
        method: method(plan, &budget, &log),
        floors: floors.measured,
        candidates: candidates(plan, &log),
        measurements: results::compute_measurements(plan, &log),
        warnings: Vec::new(),
    };
    comparison.warnings = warnings::find_warnings(&comparison, &log, plan);
    comparison.warnings.extend(floors.missing);
    Ok(comparison)
}

fn resolve(plan: &Plan, pair: &ProcessorPair) -> Result<Vec<ResolvedPlacement>, CompareError> {
    let resolve = |placement: &Placement| {
        let name = placement.name();
        placement.resolve(pair).map_err(|reason| CompareError::Placement { name, reason })
    };
    plan.placements.iter().map(resolve).collect()
}

fn settings(plan: &Plan) -> SessionSettings<'_> {
    SessionSettings {
        client: &plan.client,
        tuning: &plan.tuning,
        deadlines: plan.deadlines,
        seed: plan.seed,
        count_calls: false,
    }
}

/// Returns one session for each candidate and each placement for which the candidate has a server.
fn sessions<'a>(plan: &'a Plan, placements: &[ResolvedPlacement]) -> Vec<SessionPlan<'a>> {
    let mut sessions = Vec::new();
    for &placement in placements {
        for (index, candidate) in plan.candidates.iter().enumerate() {
            let spec =
                if placement.never_sleeps() { candidate.spinning.as_ref() } else { Some(&candidate.spec) };
            let tasks = || plan.tasks(candidate);
            sessions.extend(spec.map(|spec| SessionPlan {
                candidate: index,
                spec,
                placement,
                tasks: tasks(),
                failures: 0,
            }));
        }
    }
    sessions
}

/// Fails if a server given by `--server` cannot be measured.
fn check_servers(plan: &Plan, log: &ScheduleResults) -> Result<(), CompareError> {
    let own = |(index, _): &&(usize, String)| !plan.candidates[*index].bundled;
    log.unavailable.iter().find(own).map_or(Ok(()), |(index, reason)| {
        let name = plan.candidates[*index].name.clone();
        Err(CompareError::Server { name, reason: reason.clone() })
    })
}

fn method(plan: &Plan, budget: &TimeBudget, log: &ScheduleResults) -> Method {
    let clocks: Vec<f64> = log.records.iter().map(|record| record.sample.clock).collect();
    Method {
        rounds: plan.rounds,
        reference: plan.reference.clone(),
        warm_up: budget.task.warm_up.as_secs_f64(),
        timed: budget.task.timed.as_secs_f64(),
        clock: median(&clocks).unwrap_or_default(),
        tuning: plan.tuning.clone(),
        repeated: log.repeated,
    }
}

fn candidates(plan: &Plan, log: &ScheduleResults) -> Vec<CandidateInfo> {
    let unsupported = |index: usize| {
        // It may have been measured at another placement.
        let measured = log.records.iter().any(|record| record.candidate == index);
        let reason = log.unavailable.iter().find(|(other, _)| *other == index);
        reason.filter(|_| !measured).map(|(_, reason)| reason.clone())
    };
    let info = |(index, candidate): (usize, &super::candidate::Candidate)| candidate.info(unsupported(index));
    plan.candidates.iter().enumerate().map(info).collect()
}

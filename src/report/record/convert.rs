//! Converts what the runner reports into events of the stream.

use std::fmt;

use super::{CheckFinished, LeftOut, ServerRecord, StepKind, TimelineStep};
use crate::checks::all_checks;
use crate::report::Heading;
use crate::runner::{CheckResult, Timeline};
use crate::server::Spec;
use crate::text::{count_with_noun, printable};
use crate::trace::{Action, Step};
use crate::transport::Capabilities;

impl ServerRecord {
    /// Describes the server that `spec` launches, for the record of a run.
    pub(crate) fn of(spec: &Spec) -> ServerRecord {
        ServerRecord {
            name: spec.name().map(Into::into),
            command: spec.command_line(),
            transport: spec.transport().name.into(),
            start: spec.start().name().into(),
            protocol: spec.protocol().name().into(),
            protocol_argument: protocol_argument(spec),
            rehearsal: spec.rehearsal().cloned(),
            left_out: left_out(spec),
        }
    }
}

/// Returns the value of `--protocol` among the options of `spec`, if it is not the protocol's name.
fn protocol_argument(spec: &Spec) -> Option<String> {
    let options = spec.options().to_string();
    let value = options.split_once(" --protocol ")?.1.split_whitespace().next()?;
    (value != spec.protocol().name()).then(|| value.to_owned())
}

/// Counts the checks that a server which was running already cannot be asked, by what they need.
fn left_out(spec: &Spec) -> Vec<LeftOut> {
    if !spec.is_attached() {
        return Vec::new();
    }
    let (all, asked) = (spec.promised_if_launched(), spec.promised_capabilities());
    let missing = all.difference(asked);
    let of_launch = missing.difference(Capabilities::PROCESSES | OF_LOOPBACK);
    let needs = [
        (of_launch, "a server that echospec launches itself"),
        (Capabilities::PROCESSES, "the server's process: --pid"),
        (OF_LOOPBACK, "a server at a loopback address"),
    ];
    let mut absent: Vec<_> =
        all_checks().filter(|check| check.applies_to(all) && !check.applies_to(asked)).collect();
    let counted = needs.into_iter().map(|(capabilities, needed)| {
        let before = absent.len();
        absent.retain(|check| !check.requires.intersects(missing & capabilities));
        LeftOut { checks: before - absent.len(), needed: needed.to_owned() }
    });
    counted.filter(|left_out| left_out.checks > 0).collect()
}

/// The capabilities that a server has at a loopback address alone.
const OF_LOOPBACK: Capabilities =
    Capabilities::LOCAL.union(Capabilities::SOURCE_ADDRESS).union(Capabilities::STALLS);

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.checks == 1 { "needs" } else { "need" };
        write!(f, "{} {verb} {}", count_with_noun(self.checks, "check"), self.needed)
    }
}

impl CheckFinished {
    /// Describes the `result` of a check for the record of a run with `heading`. The check ended `at_millis` after
    /// the start.
    pub(crate) fn of(result: &CheckResult, heading: &Heading, at_millis: f64) -> CheckFinished {
        let check = result.check;
        CheckFinished {
            check: check.id.into(),
            level: check.level,
            sentence: check.sentence.into(),
            why: result.why().into(),
            citations: check.citations.iter().map(|&citation| citation.into()).collect(),
            recipe: check.recipe.into(),
            outcome: result.outcome,
            expected: result.expected.clone(),
            actual: result.actual.clone(),
            reason: result.reason.clone(),
            server_output: result.server_output.iter().map(|line| printable(line)).collect(),
            again: heading.repeat_command(&[&result.after[..], &[check.id]].concat()),
            at_millis,
            took_millis: result.took.as_secs_f64() * 1000.0,
            repeated: result.repeated,
            timeline: steps(&result.timeline),
        }
    }
}

fn steps(timeline: &Timeline) -> Vec<TimelineStep> {
    let first = timeline.first.iter().map(TimelineStep::of);
    let gap = (timeline.omitted > 0).then(|| TimelineStep {
        at_millis: timeline.last.front().map_or(0.0, millis),
        actor: String::new(),
        kind: StepKind::Gap,
        text: format!("{} not shown", count_with_noun(timeline.omitted, "step")),
        bytes: None,
    });
    first.chain(gap).chain(timeline.last.iter().map(TimelineStep::of)).collect()
}

impl TimelineStep {
    fn of(step: &Step) -> TimelineStep {
        let (kind, bytes) = match &step.action {
            Action::Connects(_) => (StepKind::Connect, None),
            Action::Sends(transfer) => (StepKind::Send, Some(transfer.bytes)),
            Action::Receives(transfer) => (StepKind::Receive, Some(transfer.bytes)),
            Action::ReceivesEnd => (StepKind::ReceiveEnd, None),
            Action::EndsDirection => (StepKind::ShutDown, None),
            Action::Closes => (StepKind::Close, None),
            Action::Resets => (StepKind::Reset, None),
            Action::AllRead | Action::InVain(_) | Action::Other(_) => (StepKind::Other, None),
            Action::Launched => (StepKind::Launch, None),
            Action::Ready(_) => (StepKind::Ready, None),
            Action::Signal(_) => (StepKind::Signal, None),
            Action::State(_) => (StepKind::State, None),
            Action::Ended(_) => (StepKind::Exit, None),
        };
        let (actor, text) = (step.actor.to_string(), printable(&step.action.to_string()));
        TimelineStep { at_millis: millis(step), actor, kind, text, bytes }
    }
}

fn millis(step: &Step) -> f64 {
    step.at.as_secs_f64() * 1000.0
}

//! A fixed stream of two runs, with a result of every outcome, for the tests of the formats.

use super::record::{
    CheckFinished, Event, RunEnding, RunFinished, RunRecord, RunStarted, ServerRecord, StepKind,
    TimelineStep, VERSION,
};
use crate::outcome::{Level, Outcome};
use crate::runner::{Repeated, Summary};
use crate::server::Rehearsal;

const OUTCOMES: [Outcome; 13] = [
    Outcome::Pass,
    Outcome::Fail,
    Outcome::Warn,
    Outcome::Info,
    Outcome::Skipped,
    Outcome::Unsupported,
    Outcome::Timeout,
    Outcome::Crash,
    Outcome::Leak,
    Outcome::Broken,
    Outcome::Flaky,
    Outcome::Xfail,
    Outcome::Xpass,
];

/// Returns the events of two sample runs for tests of reports. The second server cannot be launched. `text` is in
/// everything that comes from a server or a user.
pub(super) fn events(text: &str) -> Vec<Event> {
    let mut events = vec![Event::RunStarted(started("./my-server {addr}", text))];
    events.extend(
        (0..)
            .zip(OUTCOMES)
            .map(|(number, outcome)| Event::CheckFinished(Box::new(check(number, outcome, text)))),
    );
    events.push(finished(RunEnding::Complete, None));
    events.push(Event::RunStarted(started("./other {addr}", text)));
    events.push(finished(RunEnding::NotLaunched, Some(format!("cannot run ./other: {text}"))));
    events
}

pub(super) fn runs(text: &str) -> Vec<RunRecord> {
    RunRecord::group(events(text))
}

fn started(command: &str, text: &str) -> RunStarted {
    RunStarted {
        version: VERSION,
        echospec: "0.1.0".into(),
        system: "Linux 6.1.0 x86_64".into(),
        unix_millis: 1_700_000_000_000,
        server: ServerRecord {
            name: None,
            command: format!("{command} {text}").trim_end().into(),
            transport: "tcp".into(),
            start: "bind".into(),
            left_out: Vec::new(),
            protocol: "echo".into(),
            protocol_argument: None,
            rehearsal: Some(Rehearsal {
                speaks_first: Some(false),
                keep_alive: Some(false),
                half_close: Some(true),
                differences: vec!["the protocol file declares `keep_alive = true`".into()],
                ..Rehearsal::default()
            }),
        },
        seed: 7,
        checks: OUTCOMES.iter().map(|outcome| id(*outcome)).collect(),
    }
}

fn id(outcome: Outcome) -> String {
    let area = if outcome.is_failure() { "echo" } else { "fd" };
    format!("{area}/ends-with-{outcome}")
}

fn check(number: u32, outcome: Outcome, text: &str) -> CheckFinished {
    let is_quiet = matches!(outcome, Outcome::Pass | Outcome::Skipped);
    let unless_quiet = |shown: String| if is_quiet { String::new() } else { shown };
    CheckFinished {
        check: id(outcome),
        level: if outcome == Outcome::Warn { Level::Should } else { Level::Must },
        sentence: "every byte comes back unchanged".into(),
        why: "a server that loses bytes corrupts data".into(),
        citations: vec!["RFC 862".into(), "read(2)".into()],
        recipe: "send bytes; compare what comes back".into(),
        outcome,
        expected: unless_quiet("256 bytes back, unchanged".into()),
        actual: unless_quiet(format!("at byte 97: \"b{text}\" instead of \"a\"")),
        reason: if outcome == Outcome::Pass { String::new() } else { format!("a cause {text}") },
        server_output: if is_quiet { Vec::new() } else { vec![format!("listening {text}"), "ready".into()] },
        again: format!("echospec check tcp --only {} --seed 7 -- ./my-server {{addr}}", id(outcome)),
        at_millis: 10.0 * f64::from(number + 1),
        took_millis: 5.25,
        repeated: (outcome == Outcome::Fail).then_some(Repeated { runs: 10, passed: 7 }),
        timeline: if is_quiet { Vec::new() } else { timeline(text) },
    }
}

fn timeline(text: &str) -> Vec<TimelineStep> {
    let step = |at_millis, actor: &str, kind, words: &str, bytes| TimelineStep {
        at_millis,
        actor: actor.into(),
        kind,
        text: words.into(),
        bytes,
    };
    vec![
        step(0.1, "process 4711", StepKind::Launch, "is launched", None),
        step(2.0, "process 4711", StepKind::Ready, "is ready at 127.0.0.1:7000", None),
        step(2.5, "client 1", StepKind::Connect, "connects from 127.0.0.1:50000", None),
        step(2.6, "client 1", StepKind::Send, "sends 256 bytes: \"a\"", Some(256)),
        step(2.9, "client 1", StepKind::Receive, &format!("receives 97 bytes: \"{text}\""), Some(97)),
        step(3.0, "client 1", StepKind::Reset, "resets", None),
        step(3.1, "process 4711", StepKind::State, "is blocked in read", None),
        step(3.2, "process 4711", StepKind::Signal, "gets SIGTERM", None),
        step(4.0, "process 4711", StepKind::Exit, "has ended: exit status 0", None),
    ]
}

fn finished(ending: RunEnding, error: Option<String>) -> Event {
    let outcomes = if error.is_some() { Vec::new() } else { OUTCOMES.to_vec() };
    Event::RunFinished(RunFinished { ending, error, summary: Summary::count(outcomes), at_millis: 150.0 })
}

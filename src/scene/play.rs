//! Plays a scene against a running server.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use super::history::History;
use super::parameters::Parameters;
use super::place::Place;
use super::program::Program;
use super::speaker::Speaker;
use super::stage::{Cast, Stage};
use super::step::{Action, Block, Step};
use super::value::Arguments;
use super::verb::Run;
use crate::check::{self, Finding};
use crate::deadline::Interrupt;
use crate::outcome::Outcome;
use crate::protocol::protocol_of_words;
use crate::server::Server;
use crate::trace::Trace;

/// A step that failed.
pub(super) struct FailedStep {
    pub finding: Finding,
    pub place: Place,
    /// The traffic of each client and the state of each process of the server, one line each.
    pub actors: Vec<String>,
    /// The steps that were played last.
    pub history: History,
}

/// Plays `steps` against `server`, up to the first that fails.
pub(super) fn play(
    steps: &[Step],
    server: &mut Server,
    cast: Cast,
    parameters: &Parameters,
    in_protocol: &BTreeSet<String>,
    files: &[(String, String)],
) -> Result<(), Box<FailedStep>> {
    let mut stage = Stage::new(server, cast, parameters, in_protocol);
    play_steps(&mut stage, steps).map_err(|(finding, place)| {
        let finding =
            if finding.outcome == Outcome::Skipped { finding } else { stage.server.diagnose(finding) };
        let actors = describe_actors(&mut stage, files);
        let history = std::mem::take(&mut stage.history);
        let finding = suggest_protocol(&stage, Finding { of_echo: false, ..finding });
        Box::new(FailedStep { finding, place, actors, history })
    })
}

/// Adds to the failure of a scene without a protocol that the server seems to speak one.
fn suggest_protocol(stage: &Stage<'_>, finding: Finding) -> Finding {
    let is_echo = stage.server.spec().protocol().replies_equal_requests();
    match protocol_of_words(finding.actual.as_bytes()).filter(|_| is_echo) {
        Some(name) => finding.because(format!(
            "the answer looks like {name}, and a scene without `protocol` expects an echo: write `protocol {name}` above \
             all steps"
        )),
        None => finding,
    }
}

type Failure = (Finding, Place);

fn play_steps(stage: &mut Stage<'_>, steps: &[Step]) -> Result<(), Failure> {
    steps.iter().try_for_each(|step| match step {
        Step::Do(action) => play_action(stage, action),
        Step::Repeat(rounds, block) => {
            let before = stage.known.clone();
            (1..=*rounds).try_for_each(|round| {
                let in_round =
                    |(finding, place): Failure| (finding.because(format!("in round {round}")), place);
                play_round(stage, block, &before).map_err(in_round)
            })
        }
        Step::EachOffset(block) => play_offsets(stage, block),
        Step::Together(block) => play_together(stage, block),
    })
}

/// Plays a block once. Names that a pattern kept in an earlier round of the block stand for nothing; `before` holds the
/// names that were known before the block.
fn play_round(
    stage: &mut Stage<'_>,
    block: &Block,
    before: &BTreeMap<String, Vec<u8>>,
) -> Result<(), Failure> {
    stage.known.clone_from(before);
    play_steps(stage, &block.steps)
}

/// Plays a block once for each offset of a request, from 1 to the last but one byte.
fn play_offsets(stage: &mut Stage<'_>, block: &Block) -> Result<(), Failure> {
    let outer = (stage.offset, stage.request_length);
    let before = stage.known.clone();
    for offset in 1.. {
        (stage.offset, stage.request_length) = (offset, 0);
        play_round(stage, block, &before).map_err(|(finding, place)| {
            let length = stage.request_length;
            (finding.because(format!("at offset {offset} of a request of {length} bytes")), place)
        })?;
        if offset + 1 >= stage.request_length {
            break;
        }
    }
    (stage.offset, stage.request_length) = outer;
    Ok(())
}

/// Notes the length of a request of which clients have sent a part.
fn note_length(length: &mut usize, speakers: &[Speaker]) {
    let longest = speakers.iter().map(|speaker| speaker.request_length).max();
    *length = (*length).max(longest.unwrap_or_default());
}

fn play_action(stage: &mut Stage<'_>, action: &Action) -> Result<(), Failure> {
    let arguments = stage.arguments(&action.values);
    stage.history.add(&action.verb.words().collect::<Vec<_>>(), &action.place, &arguments);
    let result = match action.verb.run {
        Run::Stage(run) | Run::Ends(run) => run(stage, &arguments),
        Run::Client(run) | Run::Request(run) | Run::Bytes(run) => {
            let Stage { speakers, request_length, .. } = stage;
            let speakers = speakers.get_mut(arguments.name(0)).map(Vec::as_mut_slice).unwrap_or_default();
            let result = speakers.iter_mut().try_for_each(|speaker| run(speaker, &arguments));
            note_length(request_length, speakers);
            result
        }
    };
    result.map_err(|finding| (if action.given { condition(finding) } else { finding }, action.place.clone()))
}

/// Turns the failure of a step that begins with `given` into a finding about the harness.
fn condition(finding: Finding) -> Finding {
    match finding.outcome {
        Outcome::Fail | Outcome::Timeout => Finding { outcome: Outcome::Broken, ..finding },
        _ => finding,
    }
}

/// Plays the steps of a block at the same time, each on a thread of its own.
fn play_together(stage: &mut Stage<'_>, block: &Block) -> Result<(), Failure> {
    let actions =
        block.steps.iter().filter_map(|step| if let Step::Do(action) = step { Some(action) } else { None });
    let mut jobs: Vec<(&Action, Arguments, Vec<Speaker>)> = Vec::new();
    for action in actions {
        let arguments = stage.arguments(&action.values);
        stage.history.add(&action.verb.words().collect::<Vec<_>>(), &action.place, &arguments);
        let speakers = stage.take(arguments.name(0));
        jobs.push((action, arguments, speakers));
    }
    let (interrupt, trace) = (Interrupt::of_thread(), Trace::of_thread());
    let results: Vec<check::Result> = thread::scope(|scope| {
        let threads: Vec<_> = jobs
            .iter_mut()
            .map(|(action, arguments, speakers)| {
                let (interrupt, trace) = (&interrupt, &trace);
                scope.spawn(move || {
                    let _run_of_caller = (interrupt.enter(), trace.enter());
                    match action.verb.run {
                        Run::Client(run) | Run::Request(run) | Run::Bytes(run) => {
                            speakers.iter_mut().try_for_each(|speaker| run(speaker, arguments))
                        }
                        Run::Stage(_) | Run::Ends(_) => {
                            Err(Finding::broken("a step of a client", action.verb.pattern))
                        }
                    }
                })
            })
            .collect();
        let panicked = || Err(Finding::broken("the step itself", "a panic"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| panicked())).collect()
    });
    let mut failure = None;
    for ((action, arguments, speakers), result) in jobs.into_iter().zip(results) {
        note_length(&mut stage.request_length, &speakers);
        stage.speakers.insert(arguments.name(0).to_owned(), speakers);
        failure = failure.or(result.err().map(|finding| (finding, action.place.clone())));
    }
    failure.map_or(Ok(()), Err)
}

/// Describes what each client has sent and received, and where the processes of the server are.
fn describe_actors(stage: &mut Stage<'_>, files: &[(String, String)]) -> Vec<String> {
    /// The maximum number of clients of one name that a report describes.
    const SHOWN: usize = 2;
    let mut lines = Vec::new();
    for (name, speakers) in &stage.speakers {
        let shown = speakers.iter().take(SHOWN);
        let last = stage.history.last_of(name, files).map(|line| format!("; last step: line {line}"));
        let last = last.unwrap_or_default();
        lines.extend(shown.map(|speaker| format!("{name}: {}{last}", speaker.client.describe_traffic())));
        if speakers.len() > SHOWN {
            lines.push(format!("{name}: {} more clients", speakers.len() - SHOWN));
        }
    }
    lines.extend(stage.programs.values_mut().flat_map(Program::describe));
    lines.extend(stage.server.describe_processes().into_iter().map(|line| format!("server: {line}")));
    lines
}

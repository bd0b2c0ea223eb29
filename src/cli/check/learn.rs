//! `echospec check --learn`: the checks in teaching order, up to the first that does not pass.

use std::io::Write;
use std::process::ExitCode;

use super::{Args, exit_code, refuse, with_options};
use crate::check_run::{CheckRun, Error, PlannedRun};
use crate::cli::{CliError, exit, interrupt};
use crate::outcome::Outcome;
use crate::payload::fresh_seed;
use crate::report::learn::{LearnReport, START, Step, Task, steps};
use crate::report::record::{CheckFinished, ServerRecord};
use crate::runner::CheckResult;
use crate::server::{LaunchError, Spec, sweep};

/// Runs the steps of the learner's mode against one server, and stops at the first that it does not pass.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if !args.server.is_given() {
        return Err(CliError::usage(
            "--learn needs a server: name its transport and its command, as in \
             `echospec check tcp --learn -- ./my-server {addr}`",
        )
        .into());
    }
    let spec = args.server.spec()?;
    let lessons = lessons(&spec, args)?;
    let report = LearnReport { transport: spec.transport(), steps: lessons.len() + 1 };
    interrupt::watch_signals()?;
    let mut out = anstream::stdout();
    report.write_heading(&mut out, &ServerRecord::of(&spec))?;
    let code = teach(&mut out, report, &lessons, &spec);
    sweep();
    Ok(ExitCode::from(code?))
}

/// A step that applies to the learner's server, and the run of its checks.
struct Lesson {
    step: &'static Step,
    run: PlannedRun,
}

/// The way in which a step ended.
enum Ending {
    Passed,
    /// The server does not pass the step, because it fails the check of the task.
    Failed(&'static Task, Box<CheckResult>),
    /// No check of the step could be tried, for this reason.
    Untried(String),
}

/// Returns the steps with a check that applies to the server and that the user does not skip.
fn lessons(spec: &Spec, args: &Args) -> anyhow::Result<Vec<Lesson>> {
    let seed = args.seed.unwrap_or_else(fresh_seed);
    let mut lessons = Vec::new();
    for step in steps() {
        // An echo server that does not echo yet is what the first steps are about.
        let run = with_options(CheckRun::of(spec.clone(), false), args)?.seed(seed);
        let run = step.tasks.iter().fold(run, |run, task| run.only(task.check));
        match run.plan() {
            Ok(run) => lessons.push(Lesson { step, run }),
            Err(Error::NoneApplies { .. }) => (),
            Err(error) => return Err(refuse(error)),
        }
    }
    if lessons.is_empty() {
        return Err(CliError::nothing("no step of --learn applies to this server").into());
    }
    Ok(lessons)
}

/// Runs the lessons one after another, writes the report, and returns the exit code.
fn teach(out: &mut dyn Write, report: LearnReport, lessons: &[Lesson], spec: &Spec) -> anyhow::Result<u8> {
    let mut passed = vec![&START];
    let mut is_tried = true;
    for (number, lesson) in (2..).zip(lessons) {
        let results = match lesson.run.run(interrupt::record_running_checks) {
            Err(error) => return not_launched(out, report, error),
            Ok(results) if results.is_interrupted() => return Ok(exit_code(results.checks())),
            Ok(results) => results,
        };
        if number == 2 {
            report.write_passed(out, 1, &START)?;
        }
        match ending(lesson.step, results.checks()) {
            Ending::Passed => {
                report.write_passed(out, number, lesson.step)?;
                passed.push(lesson.step);
            }
            Ending::Untried(reason) => {
                report.write_untried(out, number, lesson.step, &reason)?;
                is_tried &= results.checks().iter().all(|it| it.outcome == Outcome::Unsupported);
            }
            Ending::Failed(task, result) => {
                let check = CheckFinished::of(&result, &lesson.run.heading(), 0.0);
                report.write_failed(out, number, lesson.step, task, &check)?;
                return Ok(exit::CHECK_FAILED);
            }
        }
        out.flush()?;
    }
    report.write_all_passed(out, &passed, &full_check(spec))?;
    Ok(if is_tried { exit::ALL_AS_EXPECTED } else { exit::HARNESS_FAILED })
}

/// Returns the way in which a step with these results ended. The first task that the server fails, in the order of the
/// step, counts. A SHOULD that is not met is a failure for a learner, too.
fn ending(step: &'static Step, results: &[CheckResult]) -> Ending {
    let failed = step.tasks.iter().find_map(|task| {
        let result = results.iter().find(|result| result.check.id == task.check)?;
        let fails = match result.outcome {
            Outcome::Warn => true,
            Outcome::Info => task.forbids_limits,
            outcome => outcome.is_failure(),
        };
        fails.then(|| Ending::Failed(task, Box::new(result.clone())))
    });
    let is_tried = |result: &CheckResult| {
        !matches!(result.outcome, Outcome::Unsupported | Outcome::Skipped | Outcome::Broken)
    };
    let reason = |result: &CheckResult| match result.reason.as_str() {
        "" => result.actual.clone(),
        reason => reason.to_owned(),
    };
    failed.unwrap_or_else(|| match results.first() {
        Some(first) if !results.iter().any(is_tried) => Ending::Untried(reason(first)),
        _ => Ending::Passed,
    })
}

/// Explains why the learner's server could not be launched, and returns the exit code.
fn not_launched(out: &mut dyn Write, report: LearnReport, error: LaunchError) -> anyhow::Result<u8> {
    if let LaunchError::Interrupted = error {
        return Ok(exit_code(&[]));
    }
    let Some(hint) = hint(&error) else { return Err(error.into()) };
    report.write_not_launched(out, &START, &error.to_string(), hint)?;
    Ok(exit::HARNESS_FAILED)
}

/// Returns a hint for a learner whose server could not be launched; `None` if the server is not the cause.
fn hint(error: &LaunchError) -> Option<&'static str> {
    Some(match error {
        LaunchError::Spawn { .. } => {
            "The words behind -- are the command, as you would type it. Is the program built, and is its path right?"
        }
        LaunchError::Ended { .. } => {
            "The program ended before a client came. Start it by hand with an address, and look at what it prints. Does \
             it use the address that it was given? Does a call fail, such as bind?"
        }
        LaunchError::Daemonised { .. } => {
            "The program has put itself into the background, where its launcher cannot watch it. Does it have an option that \
             keeps it in the foreground?"
        }
        LaunchError::NotReady { .. } => {
            "The program runs, but no client can connect. Three calls make a server reachable: socket, bind and listen. \
             Which of them does it not reach, and does it use the address that it was given?"
        }
        LaunchError::Rehearsal(_) => {
            "The program was asked one question in its protocol, and the answer was wrong or did not come. Compare both \
             lines. Does the server wait for more than it was sent?"
        }
        _ => return None,
    })
}

/// Returns the command that runs all checks against the learner's server.
fn full_check(spec: &Spec) -> String {
    let start = match spec.start().name() {
        "bind" => String::new(),
        other => format!(" --start {other}"),
    };
    format!("echospec check {}{start}{} -- {}", spec.transport().name, spec.options(), spec.command_line())
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::*;
    use crate::checks::all_checks;
    use crate::demo::find_demo;
    use crate::transport::TRANSPORTS;

    #[test]
    fn every_step_has_checks_and_demos_that_exist() {
        for step in steps() {
            for task in step.tasks {
                assert!(all_checks().any(|check| check.id == task.check), "there is no check {}", task.check);
            }
            for transport in TRANSPORTS {
                assert!(find_demo(step.demo(transport)).is_some(), "{}: no demo", step.title);
            }
        }
    }

    #[test]
    fn no_check_is_in_two_steps() {
        let ids: Vec<_> = steps().flat_map(|step| step.tasks).map(|task| task.check).collect();
        let unique: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len());
    }

    #[test]
    fn every_transport_has_steps() {
        for transport in TRANSPORTS {
            let applies = |task: &Task| {
                let check = all_checks().find(|check| check.id == task.check);
                check.is_some_and(|check| check.transports().any(|it| it.name == transport.name))
            };
            let steps = steps().filter(|step| step.tasks.iter().any(applies)).count();
            assert!(steps >= 4, "{} has {steps} steps", transport.name);
        }
    }

    #[test]
    fn page_about_learning_lists_the_steps() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/learning.md");
        let text = fs::read_to_string(page).unwrap();
        let (before, rest) = text.split_once("<!-- generated: steps -->\n").unwrap();
        let (shown, after) = rest.split_once("<!-- end -->").unwrap();
        if shown == table() {
            return;
        }
        assert!(env::var_os("ECHOSPEC_UPDATE_DOCS").is_some(), "{page}: set ECHOSPEC_UPDATE_DOCS=1");
        let new = format!("{before}<!-- generated: steps -->\n{}<!-- end -->{after}", table());
        fs::write(page, new).unwrap();
    }

    fn table() -> String {
        let rows = steps().map(|step| {
            let checks: Vec<_> = step.tasks.iter().map(|task| format!("`{}`", task.check)).collect();
            format!("| {} | {} | {} |\n", step.title, step.idea, checks.join(", "))
        });
        let first = format!("| {} | {} | |\n", START.title, START.idea);
        let rows = [first].into_iter().chain(rows).collect::<String>();
        format!("| step | idea | checks |\n|---|---|---|\n{rows}")
    }
}

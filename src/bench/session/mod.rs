//! A session: a new client measures a new server, one task after the other.

use std::path::Path;
use std::time::Duration;

use nix::unistd::Pid;

use super::placement::ResolvedPlacement;
use crate::check::Finding;
use crate::deadline::Deadlines;
use crate::outcome::Outcome;
use crate::server::{JobOutput, JobProcess, LaunchError, LaunchOptions, Server, Spec, describe_exit};
use crate::sys::pin_process;
use crate::transport::Tuning;

pub mod cpu_usage;
pub(in crate::bench) mod disturbance;
pub mod job;

use disturbance::{Disturbance, DisturbanceMonitor};
use job::{Job, Task, TaskResult};

/// The command-line arguments that make `echospec` the client process of a comparison: see
/// [`super::client::run_client`].
pub const CLIENT_ARGUMENTS: &[&str] = &["measure-as-client"];

/// The settings of all measuring sessions of a comparison.
#[derive(Debug, Clone)]
pub struct SessionSettings<'a> {
    /// The program that is launched as client, with [`CLIENT_ARGUMENTS`].
    pub client: &'a Path,
    /// The options set on the measured mechanisms, such as `TCP_NODELAY`.
    pub tuning: &'a Tuning,
    /// The deadlines of server and client in a measuring session.
    pub deadlines: Deadlines,
    /// The seed that determines the bytes that clients send.
    pub seed: u64,
    /// True to count system calls, where the system can. The measured times are then not usable.
    pub count_calls: bool,
}

/// The reason why a measuring session has no results.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The user interrupted the comparison.
    #[error("interrupted")]
    Interrupted,
    /// This system, or this server, lacks the mechanism that was to be measured.
    #[error("{0}")]
    Unsupported(String),
    /// A measuring session failed: the server could not be launched, or the harness failed.
    #[error("{0}")]
    Failed(String),
}

impl From<LaunchError> for SessionError {
    fn from(error: LaunchError) -> SessionError {
        match error {
            LaunchError::Interrupted => SessionError::Interrupted,
            LaunchError::Unsupported { output } => SessionError::Unsupported(output.trim().to_owned()),
            other => SessionError::Failed(other.to_string()),
        }
    }
}

impl From<Finding> for SessionError {
    fn from(finding: Finding) -> SessionError {
        let text = one_line(&finding);
        match finding.outcome {
            Outcome::Skipped => SessionError::Interrupted,
            Outcome::Unsupported => SessionError::Unsupported(text),
            _ => SessionError::Failed(text),
        }
    }
}

fn one_line(finding: &Finding) -> String {
    let Finding { expected, actual, reason, .. } = finding;
    let because = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    format!("{actual} instead of {expected}{because}")
}

/// Runs one measuring session: launches a server and a client, measures `tasks` in order, and ends both.
///
/// Returns a result for each task that was begun. After a wrong byte, or when the conversation fails, no further task
/// is begun: the rest needs another session.
///
/// # Errors
/// [`SessionError`] if there is no result at all.
pub fn run_session(
    spec: &Spec,
    placement: &ResolvedPlacement,
    tasks: &[Task],
    settings: &SessionSettings<'_>,
) -> Result<Vec<TaskResult>, SessionError> {
    Ok(run_monitored_session(spec, placement, tasks, settings)?.0)
}

/// Measures tasks as [`run_session`] does, and also how much other processes used the processors.
pub(in crate::bench) fn run_monitored_session(
    spec: &Spec,
    placement: &ResolvedPlacement,
    tasks: &[Task],
    settings: &SessionSettings<'_>,
) -> Result<(Vec<TaskResult>, Disturbance), SessionError> {
    let _awake = placement.keep_awake().map_err(|error| SessionError::Failed(error.to_string()))?;
    let mut session = Session::begin(spec, placement, tasks, settings)?;
    let mut results = Vec::new();
    let monitor = DisturbanceMonitor::begin(placement, &session.processes());
    for task in tasks {
        let result = session.await_result(task, settings.deadlines)?;
        let last = matches!(result, TaskResult::WrongBytes(_) | TaskResult::Failed(_));
        results.push(result);
        if last {
            break;
        }
    }
    Ok((results, monitor.end(&session.processes())))
}

/// The client process and the server process of a measuring session. The client is dropped first: servers end more
/// quietly without a connected client.
struct Session {
    client: JobProcess,
    server: Server,
}

impl Session {
    fn begin(
        spec: &Spec,
        placement: &ResolvedPlacement,
        tasks: &[Task],
        settings: &SessionSettings<'_>,
    ) -> Result<Session, SessionError> {
        let options =
            LaunchOptions { deadlines: settings.deadlines, seed: settings.seed, ..LaunchOptions::default() };
        let mut server = Server::launch(spec, options)?;
        let near = if spec.transport().is_inherited() {
            let ends = server.launch_on_pair(settings.tuning)?.ends;
            vec![ends.read, ends.write]
        } else {
            Vec::new()
        };
        confine(&server, placement)?;
        let job = Job {
            transport: spec.transport().name.to_owned(),
            address: server.address().clone(),
            inherited: !near.is_empty(),
            server: server.pid()?.as_raw(),
            scratch: server.scratch().to_owned(),
            processor: placement.client,
            waiting: placement.waiting,
            tuning: settings.tuning.clone(),
            shares_processor: placement.shares_processor(),
            seed: settings.seed,
            count_calls: settings.count_calls,
            tasks: tasks.to_vec(),
        };
        let text = serde_json::to_vec(&job).map_err(|error| SessionError::Failed(error.to_string()))?;
        let client = JobProcess::launch(settings.client, CLIENT_ARGUMENTS, &text, near)?;
        Ok(Session { client, server })
    }

    /// Returns the processes of server and client in a measuring session.
    fn processes(&mut self) -> Vec<Pid> {
        let server = self.server.processes().unwrap_or_default();
        server.iter().map(|process| process.pid).chain([self.client.instance().pid()]).collect()
    }

    /// Reads the result of the measurement `task` from the client process.
    fn await_result(&mut self, task: &Task, deadlines: Deadlines) -> Result<TaskResult, SessionError> {
        let limit = task.warm_up + task.timed + deadlines.no_progress();
        match self.client.read_line(limit)? {
            JobOutput::Line(line) => serde_json::from_str(&line)
                .map_err(|error| {
                    SessionError::Failed(format!("cannot parse the client's result: {error}: {line}"))
                })
                .map(|result| self.explain(result)),
            JobOutput::End => Err(self.client_exited(deadlines)),
            JobOutput::Elapsed => Ok(self.explain_silence(limit)),
        }
    }

    /// Adds to the failed result of a measurement how the server ended, if the server has ended.
    fn explain(&mut self, result: TaskResult) -> TaskResult {
        let TaskResult::Failed(how) = result else { return result };
        let finding = self.server.diagnose(Finding::fail("a conversation", how.clone()));
        TaskResult::Failed(with_reason(how, &finding.reason))
    }

    fn explain_silence(&mut self, limit: Duration) -> TaskResult {
        let silence = format!("timeout: no progress for {:.1} s", limit.as_secs_f64());
        let finding = self.server.diagnose(Finding::timeout("an echo", silence.clone()));
        TaskResult::Failed(with_reason(silence, &finding.reason))
    }

    fn client_exited(&mut self, deadlines: Deadlines) -> SessionError {
        let instance = self.client.instance();
        let how = instance.wait(deadlines.exit()).map_or("it closed its output".into(), describe_exit);
        let output = if instance.printed_anything(deadlines.reply()) {
            instance.output().text()
        } else {
            String::new()
        };
        SessionError::Failed(format!("the client process ended without a result: {how} {}", output.trim()))
    }
}

fn with_reason(text: String, reason: &str) -> String {
    if reason.is_empty() { text } else { format!("{text}; {reason}") }
}

/// Binds the server's processes, and every process that they will start, to the processor that the placement chooses.
fn confine(server: &Server, placement: &ResolvedPlacement) -> Result<(), SessionError> {
    let Some(processor) = placement.server else { return Ok(()) };
    for process in server.processes()? {
        pin_process(process.pid, &[processor]).map_err(|error| {
            SessionError::Failed(format!("cannot bind the server to processor {processor}: {error}"))
        })?;
    }
    Ok(())
}

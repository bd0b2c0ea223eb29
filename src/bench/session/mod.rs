//! One server and one client, both fresh: launched, put in their places, measured task by task, ended.

use std::path::Path;
use std::time::Duration;

use nix::unistd::Pid;

use super::placement::Site;
use crate::check::Finding;
use crate::deadline::Deadlines;
use crate::outcome::Outcome;
use crate::server::{JobOutput, JobProcess, LaunchError, LaunchOptions, Server, Spec, describe};
use crate::sys::pin_process;
use crate::transport::{Tuning, WaitMode};

pub mod cpu_usage;
pub(in crate::bench) mod disturbance;
pub mod job;

use disturbance::{Noise, Watch};
use job::{Answer, Job, Task};

/// The arguments that have `echospec` be a client: see [`super::client::serve`].
pub const CLIENT: &[&str] = &["measure-as-client"];

/// How sessions are held, the same for all of a run.
#[derive(Debug, Clone)]
pub struct Manner<'a> {
    /// The program that has the [`CLIENT`] in it.
    pub client: &'a Path,
    /// What is set on mechanisms.
    pub tuning: &'a Tuning,
    /// Deadlines.
    pub deadlines: Deadlines,
    /// What bytes are drawn from.
    pub seed: u64,
    /// Whether system calls are counted, where the system lets us: then times are not to be used.
    pub count: bool,
}

/// Why a session told nothing at all.
#[derive(Debug, thiserror::Error)]
pub enum Ending {
    /// The user has interrupted the run.
    #[error("interrupted")]
    Interrupted,
    /// This system, or this server, lacks the mechanism.
    #[error("{0}")]
    Unsupported(String),
    /// The server cannot be launched, or the harness cannot do its part.
    #[error("{0}")]
    Failed(String),
}

impl From<LaunchError> for Ending {
    fn from(error: LaunchError) -> Ending {
        match error {
            LaunchError::Interrupted => Ending::Interrupted,
            LaunchError::Unsupported { output } => Ending::Unsupported(output.trim().to_owned()),
            other => Ending::Failed(other.to_string()),
        }
    }
}

impl From<Finding> for Ending {
    fn from(finding: Finding) -> Ending {
        let text = told(&finding);
        match finding.outcome {
            Outcome::Skipped => Ending::Interrupted,
            Outcome::Unsupported => Ending::Unsupported(text),
            _ => Ending::Failed(text),
        }
    }
}

/// What a finding says, in one line.
fn told(finding: &Finding) -> String {
    let Finding { expected, actual, reason, .. } = finding;
    let because = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    format!("{actual} instead of {expected}{because}")
}

/// Measures `tasks` in order, and answers with as many as were begun: after a wrong byte, or when the conversation
/// broke off, the rest needs another session.
///
/// # Errors
/// [`Ending`] where there is nothing to answer with.
pub fn hold(spec: &Spec, site: &Site, tasks: &[Task], manner: &Manner<'_>) -> Result<Vec<Answer>, Ending> {
    Ok(hold_and_watch(spec, site, tasks, manner)?.0)
}

/// The same, with what else used the processors meanwhile.
pub(in crate::bench) fn hold_and_watch(
    spec: &Spec,
    site: &Site,
    tasks: &[Task],
    manner: &Manner<'_>,
) -> Result<(Vec<Answer>, Noise), Ending> {
    let _awake = site.hold().map_err(|error| Ending::Failed(error.to_string()))?;
    let mut session = Session::begin(spec, site, tasks, manner)?;
    let mut answers = Vec::new();
    let watch = Watch::begin(site, &session.family());
    for task in tasks {
        let answer = session.answer(task, manner.deadlines)?;
        let last = matches!(answer, Answer::Wrong(_) | Answer::Broken(_));
        answers.push(answer);
        if last {
            break;
        }
    }
    Ok((answers, watch.end(&session.family())))
}

/// The two processes. The client goes first: a server ends more calmly without one.
struct Session {
    client: JobProcess,
    server: Server,
}

impl Session {
    fn begin(spec: &Spec, site: &Site, tasks: &[Task], manner: &Manner<'_>) -> Result<Session, Ending> {
        let mut server = Server::launch(
            spec,
            LaunchOptions { deadlines: manner.deadlines, seed: manner.seed, ..LaunchOptions::default() },
        )?;
        let near = if spec.transport().is_inherited() {
            let ends = server.launch_on_pair(manner.tuning)?.ends;
            vec![ends.read, ends.write]
        } else {
            Vec::new()
        };
        place(&server, site)?;
        let job = Job {
            transport: spec.transport().name.to_owned(),
            address: server.address().clone(),
            lent: !near.is_empty(),
            server: server.pid()?.as_raw(),
            scratch: server.scratch().to_owned(),
            processor: site.client,
            waiting: site.waiting,
            tuning: manner.tuning.clone(),
            shared: site.is_shared(),
            seed: manner.seed,
            count: manner.count,
            tasks: tasks.to_vec(),
        };
        let text = serde_json::to_vec(&job).map_err(|error| Ending::Failed(error.to_string()))?;
        let client = JobProcess::launch(manner.client, CLIENT, &text, near)?;
        Ok(Session { client, server })
    }

    /// Every process of it.
    fn family(&mut self) -> Vec<Pid> {
        let server = self.server.processes().unwrap_or_default();
        server.iter().map(|process| process.pid).chain([self.client.instance().pid()]).collect()
    }

    fn answer(&mut self, task: &Task, deadlines: Deadlines) -> Result<Answer, Ending> {
        let limit = task.warm_up + task.timed + deadlines.no_progress();
        match self.client.read_line(limit)? {
            JobOutput::Line(line) => serde_json::from_str(&line)
                .map_err(|error| Ending::Failed(format!("the client's answer is none: {error}: {line}")))
                .map(|answer| self.explain(answer)),
            JobOutput::End => Err(self.client_died(deadlines)),
            JobOutput::Elapsed => Ok(self.explain_silence(limit)),
        }
    }

    /// Adds to the end of a conversation how the server ended, if it did.
    fn explain(&mut self, answer: Answer) -> Answer {
        let Answer::Broken(how) = answer else { return answer };
        let finding = self.server.diagnose(Finding::fail("a conversation", how.clone()));
        Answer::Broken(if finding.reason.is_empty() { how } else { format!("{how}; {}", finding.reason) })
    }

    fn explain_silence(&mut self, limit: Duration) -> Answer {
        let silence = format!("timeout: nothing moved for {:.1} s", limit.as_secs_f64());
        let finding = self.server.diagnose(Finding::timeout("an echo", silence.clone()));
        Answer::Broken(if finding.reason.is_empty() {
            silence
        } else {
            format!("{silence}; {}", finding.reason)
        })
    }

    fn client_died(&mut self, deadlines: Deadlines) -> Ending {
        let instance = self.client.instance();
        let how = instance.wait(deadlines.exit()).map_or("it closed its output".into(), describe);
        let words = if instance.printed_anything(deadlines.reply()) {
            instance.output().text()
        } else {
            String::new()
        };
        Ending::Failed(format!("the client process ended without an answer: {how} {}", words.trim()))
    }
}

/// Binds all processes of the server, and whatever they start from now on, to their processor.
fn place(server: &Server, site: &Site) -> Result<(), Ending> {
    let Some(processor) = site.server else { return Ok(()) };
    for process in server.processes()? {
        pin_process(process.pid, &[processor])
            .map_err(|error| Ending::Failed(format!("the server stays where it is: {error}")))?;
    }
    Ok(())
}

impl Site {
    /// Whether it is one at which nobody sleeps.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.waiting != WaitMode::Block
    }
}

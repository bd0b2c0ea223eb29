//! Writes the recorded timeline of a check as a scene.

use std::fmt;

use crate::server::{Spec, Start};
use crate::trace::{Actor, Step};
use crate::transport::Capabilities;

mod blocks;
mod clients;
mod processes;
mod protocol;
#[cfg(test)]
mod tests;

use clients::{Clients, Speech};
use processes::Processes;

/// The reason why a timeline cannot be written as a scene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotWritable {
    /// The number of the step, counted from 1, and the step, unless the reason is about the whole timeline.
    step: Option<(usize, String)>,
    why: String,
}

impl fmt::Display for NotWritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this timeline cannot be written as a scene: ")?;
        if let Some((number, step)) = &self.step {
            write!(f, "step {number}, `{step}`: ")?;
        }
        f.write_str(&self.why)
    }
}

/// A recorded check, for a scene.
#[derive(Debug)]
pub(crate) struct Recording<'a> {
    /// The sentence of the check.
    pub title: &'a str,
    /// The id of the check.
    pub check: &'a str,
    /// The way in which the check did not pass: the expected and the actual behaviour.
    pub failure: Option<(&'a str, &'a str)>,
    /// The steps, with the contents of requests in the place of the bytes of a protocol.
    pub steps: &'a [Step],
}

impl Recording<'_> {
    /// Returns the text of a scene with the steps of this recording, for a server of `spec`.
    ///
    /// # Errors
    /// The first step for which the language of scenes has no words.
    pub fn scene(&self, spec: &Spec) -> Result<String, NotWritable> {
        let whole = |why: &str| NotWritable { step: None, why: why.to_owned() };
        if !spec.promised_capabilities().contains(Capabilities::STREAM) {
            return Err(whole("its clients send messages, and not a stream"));
        }
        let mut script = self.script(spec)?;
        while script.lines.last().is_some_and(|line| line.ends_with(" closes")) {
            script.lines.pop();
        }
        if script.lines.is_empty() {
            return Err(whole("no client and no signal is in it"));
        }
        let mut text = vec![format!("# {}", self.title), format!("# Recorded from {}", self.check)];
        if spec.transport().name != "tcp" {
            text.push(format!("transport {}", spec.transport().name));
        }
        if spec.start() != Start::Bind {
            text.push(format!("start {}", spec.start().name()));
        }
        text.extend(protocol::line(spec.protocol()));
        text.extend(blocks::fold(&script.lines));
        text.extend(self.failure.map(|(expected, actual)| {
            let line = format!("# Here the check failed. Expected: {expected}; actual: {actual}");
            line.lines().collect::<Vec<_>>().join(" ")
        }));
        Ok(text.join("\n") + "\n")
    }

    fn script(&self, spec: &Spec) -> Result<Script, NotWritable> {
        let steps = processes::without_shutdown(self.steps, spec.setup().stop.as_ref());
        let mut script = Script::default();
        let speech = if spec.protocol().replies_equal_requests() { Speech::Echo } else { Speech::Bytes };
        let (mut clients, mut servers) = (Clients::new(speech), Processes::default());
        let mut at = 0;
        while let Some(step) = steps.get(at) {
            let transfers = clients::transfers(&steps[at..]);
            let exchanged = clients.exchange(&steps[at..at + transfers], &mut script);
            if exchanged > 0 {
                at += exchanged;
                continue;
            }
            let written = match step.actor {
                Actor::Client(number) => {
                    clients.act(number, &step.action, self.failure.is_some(), &mut script)
                }
                Actor::Process(pid) => servers.act(pid, &step.action, &steps[at + 1..], &mut script),
            };
            written.map_err(|why| {
                let number = self.steps.iter().position(|it| it == step).unwrap_or(at) + 1;
                NotWritable { step: Some((number, step.to_string())), why }
            })?;
            at += 1;
        }
        if servers.has_crashed() && self.failure.is_some() {
            script.write("server runs");
        }
        Ok(script)
    }
}

/// The steps of a scene, one a line.
#[derive(Debug, Default)]
struct Script {
    lines: Vec<String>,
}

impl Script {
    fn write(&mut self, line: impl Into<String>) {
        let line = line.into();
        // A check may look at the same fact twice.
        if !(line.contains(" has read all ") && self.lines.last() == Some(&line)) {
            self.lines.push(line);
        }
    }
}

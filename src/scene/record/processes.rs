//! The server's processes in a recording.

use super::Script;
use crate::trace::{Action, Actor, Step};

/// The launched processes of a recording: the server, and a second instance.
#[derive(Debug, Default)]
pub(super) struct Processes {
    server: Option<i32>,
    /// Whether the server has exited or has been killed.
    is_over: bool,
    /// Whether the server was sent a signal that may end it.
    is_told: bool,
    /// Whether the server has exited although no signal told it to.
    crashed: bool,
    address: Option<String>,
    second: Option<i32>,
}

impl Processes {
    /// Whether the server has exited although no signal told it to.
    pub fn has_crashed(&self) -> bool {
        self.crashed
    }

    /// Writes an action of process `pid`. `later` are the steps that follow it.
    pub fn act(
        &mut self,
        pid: i32,
        action: &Action,
        later: &[Step],
        script: &mut Script,
    ) -> Result<(), String> {
        match action {
            Action::Launched => self.launch(pid, script),
            Action::State(_) => Ok(()),
            Action::Ready(address) => self.ready(pid, address, script),
            Action::Signal(signal) if self.server == Some(pid) => {
                self.signal(signal, exits(pid, later), script);
                Ok(())
            }
            Action::Signal(signal) => {
                script.write(format!("second server gets {signal}"));
                Ok(())
            }
            Action::Ended(status) => self.exit(pid, status, script),
            _ => Err("no step of a scene does that".into()),
        }
    }

    fn launch(&mut self, pid: i32, script: &mut Script) -> Result<(), String> {
        if self.server.is_none() {
            self.server = Some(pid);
        } else if self.is_over {
            script.write("server is started again");
            (self.server, self.is_over, self.is_told) = (Some(pid), false, false);
        } else if self.second.is_none() {
            script.write("second server starts");
            self.second = Some(pid);
        } else {
            return Err("a scene has two servers at most".into());
        }
        Ok(())
    }

    fn ready(&mut self, pid: i32, address: &str, script: &mut Script) -> Result<(), String> {
        let first = self.address.get_or_insert_with(|| address.to_owned());
        if first != address {
            return Err("all servers of a scene have one address".into());
        }
        if self.second == Some(pid) {
            script.write("second server listens");
        }
        Ok(())
    }

    fn signal(&mut self, signal: &str, exits: bool, script: &mut Script) {
        match signal {
            "SIGSTOP" => script.write("server is frozen"),
            "SIGCONT" => script.write("server is thawed"),
            "SIGKILL" if !exits => {
                script.write("server is killed");
                self.is_over = true;
            }
            _ => script.write(format!("server gets {signal}")),
        }
        self.is_told |= !matches!(signal, "SIGSTOP" | "SIGCONT");
    }

    fn exit(&mut self, pid: i32, status: &str, script: &mut Script) -> Result<(), String> {
        let code = status.strip_prefix("exit status ").map(|code| format!("with {code}"));
        let name = status.split_once('(').map(|(_, name)| format!("by {}", name.trim_end_matches(')')));
        let how = code.or(name).ok_or("the status is neither a number nor a signal")?;
        if self.second == Some(pid) {
            script.write(format!("second server exits {how}"));
        } else if self.is_told {
            self.is_over = true;
            script.write(format!("server exits {how}"));
        } else {
            (self.is_over, self.crashed) = (true, true);
        }
        Ok(())
    }
}

/// Whether process `pid` exits in `later` steps before it does anything else.
fn exits(pid: i32, later: &[Step]) -> bool {
    let next = later.iter().find(|step| step.actor == Actor::Process(pid));
    next.is_some_and(|step| matches!(step.action, Action::Ended(_)))
}

/// Returns `steps` without those by which the harness shuts the servers down: the signal `stop`, and then SIGCONT.
pub(super) fn without_shutdown(steps: &[Step], stop: &str) -> Vec<Step> {
    let is = |step: &Step, wanted: &str| matches!(&step.action, Action::Signal(name) if name == wanted);
    let ends =
        |pair: &[Step]| pair[0].actor == pair[1].actor && is(&pair[0], stop) && is(&pair[1], "SIGCONT");
    let mut kept = Vec::new();
    let mut shut_down = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        if steps.get(at..at + 2).is_some_and(ends) {
            shut_down.push(step.actor);
        }
        if !shut_down.contains(&step.actor) {
            kept.push(step.clone());
        }
    }
    kept
}

//! Inspects a server from outside: its processes, their descriptors, memory and exit status.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::{Instance, Server, describe_exit, describe_process, describe_state, readiness};
use crate::check::{self, Finding};
use crate::deadline::Deadlines;
use crate::outcome::Outcome;
use crate::requirement::PROCESS_TABLE;
use crate::sys::{self, Descriptor, Process, ProcessStats};
use crate::text::one_line;
use crate::trace::{self, Action};
use crate::transport::{HangDiagnosis, Processes};

impl Server {
    /// Lists the living processes of this server.
    ///
    /// # Errors
    /// Unsupported where the system does not list processes.
    pub fn processes(&self) -> check::Result<Vec<Process>> {
        let wanted = "a list of the server's processes";
        if self.is_attached() {
            let found = "echospec did not launch this server: name its process with --pid";
            let process = self.spec.process().ok_or_else(|| Finding::unsupported(wanted, found))?;
            return process.processes().map_err(|error| unknown(wanted, &error));
        }
        let lists: io::Result<Vec<_>> = self.instances.iter().map(Instance::processes).collect();
        Ok(lists.map_err(|error| unknown(wanted, &error))?.concat())
    }

    /// Lists the open descriptors of one of the server's processes.
    ///
    /// # Errors
    /// Unsupported where the system does not tell.
    pub fn descriptors(&self, pid: Pid) -> check::Result<Vec<Descriptor>> {
        sys::descriptors(pid).map_err(|error| unknown("the descriptors of the server", &error))
    }

    /// Counts the open descriptors of one of the server's processes.
    ///
    /// # Errors
    /// As [`descriptors`](Server::descriptors).
    pub fn descriptor_count(&self, pid: Pid) -> check::Result<usize> {
        sys::descriptor_count(pid).map_err(|error| unknown("the descriptors of the server", &error))
    }

    /// Sums processor time, threads and memory over all processes of the server.
    ///
    /// # Errors
    /// As [`descriptors`](Server::descriptors).
    pub fn process_stats(&self) -> check::Result<ProcessStats> {
        let mut sum = ProcessStats::default();
        for process in self.processes()? {
            match sys::process_stats(process.pid) {
                Ok(one) => {
                    sum.cpu += one.cpu;
                    sum.threads += one.threads;
                    sum.resident += one.resident;
                }
                // It exited after it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(unknown("what the server uses", &error)),
            }
        }
        Ok(sum)
    }

    /// Whether `instance`, [started](Server::start_at) at this server's address, is ready for clients there, or another
    /// process is.
    #[must_use]
    pub(crate) fn is_ready(&self, instance: &Instance) -> bool {
        readiness::is_ready(instance, self.spec.transport(), self.address())
    }

    /// Whether a process of `instance`, [started](Server::start_at) at this server's address, holds a socket that
    /// listens there.
    #[must_use]
    pub(crate) fn holds_listener(&self, instance: &Instance) -> bool {
        readiness::holds_listener(instance, self.spec.transport(), self.address())
    }

    /// Lists the zombies whose parent is a process of this server.
    ///
    /// # Errors
    /// As [`processes`](Server::processes).
    pub fn zombies(&self) -> check::Result<Vec<Process>> {
        let living = self.processes()?;
        let all = sys::processes().map_err(|error| unknown("a list of processes", &error))?;
        let theirs = |process: &Process| living.iter().any(|parent| parent.pid == process.parent);
        Ok(all.into_iter().filter(|process| process.zombie && theirs(process)).collect())
    }

    /// Turns `finding` into a crash, with the exit status, if the server has died.
    #[must_use]
    pub(crate) fn diagnose(&mut self, finding: Finding) -> Finding {
        if self.is_attached() {
            return self.diagnose_attached(finding);
        }
        let blames = matches!(finding.outcome, Outcome::Fail | Outcome::Timeout);
        let blames = blames && !finding.alive && !self.ended_by_us;
        let (for_all, is_failure) = (self.is_shared(), finding.outcome == Outcome::Fail);
        let ended = if blames { self.await_end_of_failed(is_failure) } else { None };
        let ended = ended.filter(|status| for_all || is_own_fault(&finding, *status));
        if let Some(status) = ended {
            // A process that serves one client may exit with it; the one that serves all may not.
            let outcome = if for_all || !status.success() { Outcome::Crash } else { finding.outcome };
            return Finding { outcome, ..finding }
                .because(format!("the server has ended: {}", describe_exit(status)));
        }
        finding
    }

    /// Returns the exit status of the server if it has ended. A process closes its descriptors a moment before it exits,
    /// so a client may notice the crash first: after a failure, the server gets some time to exit.
    fn await_end_of_failed(&mut self, is_failure: bool) -> Option<ExitStatus> {
        let limit = if is_failure { self.deadlines().quiet() } else { Duration::ZERO };
        let ended = self.instances.last_mut()?.wait(limit);
        if ended.is_some() || !is_failure {
            return ended;
        }
        let _ = self.await_reaction();
        self.instances.last_mut()?.ended()
    }

    /// Whether the server's newest process listens at the server's address.
    #[must_use]
    pub(crate) fn listens(&self) -> bool {
        self.instances.last().is_some_and(|instance| self.holds_listener(instance))
    }

    /// Describes each process of the server, or how the launched process exited, one line each.
    #[must_use]
    pub(crate) fn describe_processes(&mut self) -> Vec<String> {
        let living = self.processes().unwrap_or_default();
        let name = |process: &Process| format!("{} ({})", process.pid, one_line(&process.name));
        let alive = living.iter().take(SHOWN).map(|it| format!("{} is {}", name(it), describe_state(it)));
        let mut lines: Vec<String> = alive.collect();
        let ended = self.instances.last_mut().and_then(Instance::ended);
        lines
            .extend(ended.map(|status| format!("the launched process has ended: {}", describe_exit(status))));
        lines
    }

    /// Returns a list of the processes that the server has, for a client to read at any time.
    pub(crate) fn process_lister(&self) -> Processes {
        let listers: Vec<_> = self.instances.iter().map(Instance::process_lister).collect();
        let attached = self.spec.process();
        let is_unknown = self.is_attached() && attached.is_none();
        Processes::new(move || {
            if is_unknown {
                return Err(io::ErrorKind::Unsupported.into());
            }
            if let Some(process) = attached {
                return process.processes();
            }
            let launched: io::Result<Vec<_>> = listers.iter().map(|list| list()).collect();
            Ok(launched?.concat())
        })
    }

    /// Waits until the server has reacted to what the kernel has told it: all its threads wait, or it has used some
    /// processor time, or it has exited.
    ///
    /// # Errors
    /// Only when interrupted.
    pub(crate) fn await_reaction(&self) -> check::Result {
        self.process_lister().await_reaction(self.deadlines())
    }

    /// Returns a function that describes what each process of the server is blocked in.
    pub(super) fn hang_diagnosis(&self) -> HangDiagnosis {
        let list = self.process_lister();
        HangDiagnosis(Box::new(move || {
            let processes = list.read().unwrap_or_default();
            let mut lines: Vec<_> = processes.iter().take(SHOWN).map(describe_process).collect();
            if processes.len() > SHOWN {
                lines.push(format!("and {} more of its processes", processes.len() - SHOWN));
            }
            lines.join("\n")
        }))
    }

    /// Adds a step for each process of the server to the trace, with what the process is blocked in.
    pub(crate) fn trace_states(&self) {
        for process in self.processes().unwrap_or_default().into_iter().take(SHOWN) {
            trace::note_event(process.pid, || Action::State(format!("is {}", describe_state(&process))));
        }
    }

    /// Returns the last lines that the server printed.
    #[must_use]
    pub fn last_output(&self) -> Vec<String> {
        self.instances.last().map(|instance| instance.output().lines_for_report(12)).unwrap_or_default()
    }
}

impl Instance {
    /// Waits until this process and its descendants have reacted to what the kernel has told them.
    ///
    /// # Errors
    /// Only when interrupted.
    pub(crate) fn await_reaction(&self, deadlines: Deadlines) -> check::Result {
        Processes::new(self.process_lister()).await_reaction(deadlines)
    }
}

/// The maximum number of processes of one server that a report shows.
const SHOWN: usize = 4;

/// Whether a process that serves one client crashed before its client closed. After the close, the process may exit, or
/// be killed by SIGPIPE while it sends an answer. After a timeout this is false, because the process was alive then.
fn is_own_fault(finding: &Finding, status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    finding.outcome == Outcome::Fail && !status.success() && status.signal() != Some(Signal::SIGPIPE as i32)
}

fn unknown(what: &str, error: &io::Error) -> Finding {
    match error.kind() {
        io::ErrorKind::Unsupported => {
            Finding::missing_requirement(&PROCESS_TABLE, what, "this system does not tell")
        }
        io::ErrorKind::PermissionDenied => {
            let found = "the system does not let us look into this process";
            Finding::missing_requirement(&PROCESS_TABLE, what, found)
        }
        _ => Finding::broken(what, error.to_string()),
    }
}

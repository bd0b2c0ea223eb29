//! What can be seen of a server from outside: its processes, their descriptors, how it died.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::{Instance, Server, describe, ready, standing};
use crate::check::{self, Finding};
use crate::outcome::Outcome;
use crate::requirement::PROCESS_TABLE;
use crate::sys::{self, Descriptor, Process, Vitals};
use crate::transport::HangDiagnosis;

impl Server {
    /// Every living process of this server.
    ///
    /// # Errors
    /// Unsupported where the system does not list processes.
    pub fn processes(&self) -> check::Result<Vec<Process>> {
        let lists: io::Result<Vec<_>> = self.instances.iter().map(Instance::processes).collect();
        Ok(lists.map_err(|error| untold("a list of the server's processes", &error))?.concat())
    }

    /// The descriptor table of one of its processes.
    ///
    /// # Errors
    /// Unsupported where the system does not tell.
    pub fn descriptors(&self, pid: Pid) -> check::Result<Vec<Descriptor>> {
        sys::descriptors(pid).map_err(|error| untold("the descriptors of the server", &error))
    }

    /// How many descriptors one of its processes has open.
    ///
    /// # Errors
    /// As [`descriptors`](Server::descriptors).
    pub fn descriptor_count(&self, pid: Pid) -> check::Result<usize> {
        sys::descriptor_count(pid).map_err(|error| untold("the descriptors of the server", &error))
    }

    /// What all of its processes together have used, and use now.
    ///
    /// # Errors
    /// As [`descriptors`](Server::descriptors).
    pub fn vitals(&self) -> check::Result<Vitals> {
        let mut sum = Vitals::default();
        for process in self.processes()? {
            match sys::vitals(process.pid) {
                Ok(one) => {
                    sum.cpu += one.cpu;
                    sum.threads += one.threads;
                    sum.resident += one.resident;
                }
                // It ended between the list and the look.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(untold("what the server uses", &error)),
            }
        }
        Ok(sum)
    }

    /// Whether `instance`, [started](Server::start_at) at this server's address, listens there.
    #[must_use]
    pub fn is_ready(&self, instance: &Instance) -> bool {
        ready::is_ready(instance, self.spec.transport(), self.address())
    }

    /// Processes that have ended and that a process of this server has not waited for.
    ///
    /// # Errors
    /// As [`processes`](Server::processes).
    pub fn zombies(&self) -> check::Result<Vec<Process>> {
        let living = self.processes()?;
        let all = sys::processes().map_err(|error| untold("a list of processes", &error))?;
        let theirs = |process: &Process| living.iter().any(|parent| parent.pid == process.parent);
        Ok(all.into_iter().filter(|process| process.zombie && theirs(process)).collect())
    }

    /// Adds to `finding` what the server's processes tell: that one has died, and of what.
    #[must_use]
    pub fn diagnose(&mut self, finding: Finding) -> Finding {
        let blames = matches!(finding.outcome, Outcome::Fail | Outcome::Timeout) && !self.ended_by_us;
        let for_all = self.one_for_all();
        let Some(instance) = self.instances.last_mut().filter(|_| blames) else { return finding };
        // A process closes its descriptors a moment before it ends: what a client sees of a death comes first.
        let moment = if finding.outcome == Outcome::Fail { self.deadlines.quiet() } else { Duration::ZERO };
        let ended = instance.wait(moment).filter(|status| for_all || is_own_fault(&finding, *status));
        if let Some(status) = ended {
            // One process for each client may well end with its client; the server of all may not.
            let outcome = if for_all || !status.success() { Outcome::Crash } else { finding.outcome };
            return Finding { outcome, ..finding }
                .because(format!("the server has ended: {}", describe(status)));
        }
        finding
    }

    /// Tells where each process of the server stands still, as far as the system lets us know.
    pub(super) fn witness(&self) -> HangDiagnosis {
        let members: Vec<_> = self.instances.iter().map(Instance::members).collect();
        HangDiagnosis(Box::new(move || {
            let processes: Vec<_> =
                members.iter().flat_map(|members| members().unwrap_or_default()).collect();
            let mut lines: Vec<_> = processes.iter().take(SHOWN).map(standing).collect();
            if processes.len() > SHOWN {
                lines.push(format!("and {} more of its processes", processes.len() - SHOWN));
            }
            lines.join("\n")
        }))
    }

    /// What the server has printed last.
    #[must_use]
    pub fn last_words(&self) -> Vec<String> {
        self.instances.last().map(|instance| instance.output().last_lines(12)).unwrap_or_default()
    }
}

/// Processes of one server that a report shows.
const SHOWN: usize = 4;

/// Whether a process of one client ended before that client went, which by now it has: such a process ends
/// with its client, and of SIGPIPE if it was about to answer. One that hung was alive.
fn is_own_fault(finding: &Finding, status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    finding.outcome == Outcome::Fail && !status.success() && status.signal() != Some(Signal::SIGPIPE as i32)
}

fn untold(what: &str, error: &io::Error) -> Finding {
    match error.kind() {
        io::ErrorKind::Unsupported => Finding::missing(&PROCESS_TABLE, what, "this system does not tell"),
        io::ErrorKind::PermissionDenied => {
            let found = "the system does not let us look into this process";
            Finding::missing(&PROCESS_TABLE, what, found)
        }
        _ => Finding::broken(what, error.to_string()),
    }
}

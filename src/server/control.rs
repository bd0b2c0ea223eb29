//! What is done to a server: signals, a stop in mid-air, a crash, a restart, a rival.

use std::process::ExitStatus;
use std::sync::atomic::Ordering;

use nix::sys::signal::Signal;

use super::instance::{Given, Instance};
use super::{Conditions, LaunchError, Server, Start, ready};
use crate::check::{self, Finding, OrFinding};
use crate::deadline::until;
use crate::transport::Address;

impl Server {
    /// Sends `signal` to the launched process alone and waits for its end.
    ///
    /// # Errors
    /// A timeout where it lives on.
    pub fn end_by(&mut self, signal: Signal) -> check::Result<ExitStatus> {
        let limit = self.deadlines.exit();
        self.ended_by_us = true;
        let instance = self.instance()?;
        instance.signal(signal).or_broken(format!("{signal} sent"))?;
        if let Some(status) = instance.wait(limit) {
            return Ok(status);
        }
        let waited = format!("alive after {} s", limit.as_secs_f64());
        Err(Finding::timeout(format!("an end after {signal}"), waited).because((self.witness().0)()))
    }

    /// Stops the launched process with SIGSTOP and proves that it stands still; what clients do from now on
    /// it meets all at once when it is [thawed](Server::thaw).
    ///
    /// # Errors
    /// A broken harness where it does not stop.
    pub fn freeze(&mut self) -> check::Result {
        let limit = self.deadlines.no_progress();
        let instance = self.instance()?;
        instance.signal(Signal::SIGSTOP).or_broken("SIGSTOP sent")?;
        let leader = instance.pid();
        let stopped = until(limit, || {
            let now = self.processes()?;
            let main = now.iter().find(|process| process.pid == leader);
            let main = main.ok_or_else(|| Finding::fail("a running server", "its process has ended"))?;
            Ok(main.stopped.then_some(()))
        })?;
        stopped.ok_or_else(|| Finding::broken("a stopped server", "it runs on"))
    }

    /// Lets a [frozen](Server::freeze) server go on.
    ///
    /// # Errors
    /// A broken harness where the signal cannot be sent.
    pub fn thaw(&mut self) -> check::Result {
        let sent = self.instance()?.signal(Signal::SIGCONT);
        sent.or_broken("SIGCONT sent")
    }

    /// Ends every process of the server at once, as a power cut would: nothing is tidied up.
    pub fn crash(&mut self) {
        self.ended_by_us = true;
        self.disturbed.store(true, Ordering::Relaxed);
        self.instances.iter_mut().for_each(Instance::end);
        self.await_release();
    }

    /// Waits a moment for the address of a process that has gone. The kernel closes its sockets before it tells of its end;
    /// but what is still to be done for it, as ending the calls of an io_uring, holds them a little longer.
    pub(crate) fn await_release(&self) {
        let taken = || ready::is_taken(self.spec.transport(), self.address());
        if self.spec.start() == Start::Bind {
            let _ = until(self.deadlines.quiet(), || Ok((!taken()).then_some(())));
        }
    }

    /// Launches the server again on the same address; what is left of the last one is ended first.
    ///
    /// # Errors
    /// [`LaunchError`] as at the first time.
    pub fn restart(&mut self) -> Result<(), LaunchError> {
        self.crash();
        self.instances.clear();
        let again = self.start_instance()?;
        self.instances.push(again);
        self.ended_by_us = false;
        Ok(())
    }

    /// Launches a second instance on the same address beside the first, and does not wait for it.
    ///
    /// # Errors
    /// [`LaunchError`] where it could not even be executed.
    pub fn rival(&self) -> Result<Instance, LaunchError> {
        self.start_at(self.address(), &Conditions::default())
    }

    /// Launches the same command for `address`, whatever is there, and does not wait for it.
    ///
    /// # Errors
    /// As [`rival`](Server::rival).
    pub fn start_at(&self, address: &Address, conditions: &Conditions) -> Result<Instance, LaunchError> {
        self.disturbed.store(true, Ordering::Relaxed);
        let mut conditions = conditions.clone();
        conditions.temporary.get_or_insert_with(|| self.scratch.temporary());
        Instance::launch(self.spec.fill(address), Given::default(), &conditions)
    }
}

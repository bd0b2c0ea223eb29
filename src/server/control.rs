//! Signals to a server, freeze and thaw, crash, restart, a second instance.

use std::process::ExitStatus;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::process::GivenDescriptors;
use super::{Instance, LaunchError, LaunchOptions, Server, Start, readiness};
use crate::check::{self, Finding, OrFinding};
use crate::deadline::until;
use crate::transport::{Address, Stopwatch};

impl Server {
    /// Sends `signal` to the launched process alone and waits until it exits.
    ///
    /// # Errors
    /// A timeout if it does not exit.
    pub fn signal_and_wait(&mut self, signal: Signal) -> check::Result<ExitStatus> {
        self.ended_by_us = true;
        self.instance()?.signal(signal).or_broken(format!("{signal} sent"))?;
        self.expect_exit(signal, Duration::ZERO)
    }

    /// Waits until the launched process exits, which was sent `signal` this long `ago`.
    fn expect_exit(&mut self, signal: Signal, ago: Duration) -> check::Result<ExitStatus> {
        let limit = self.deadlines().exit();
        if let Some(status) = self.wait_for_exit(limit.saturating_sub(ago))? {
            return Ok(status);
        }
        let waited = format!("alive after {} s", limit.as_secs_f64());
        Err(Finding::timeout(format!("an end after {signal}"), waited).because((self.hang_diagnosis().0)()))
    }

    /// Sends `signal` to the launched process alone, and does not wait. If the signal is one that ends servers, the
    /// server may exit from now on.
    ///
    /// # Errors
    /// A broken harness if the signal cannot be sent.
    pub(crate) fn send_signal(&mut self, signal: Signal) -> check::Result {
        let ends =
            [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL, self.spec.setup().stop];
        self.ended_by_us |= ends.contains(&signal);
        self.instance()?.signal(signal).or_broken(format!("{signal} sent"))
    }

    /// Waits at most `limit` until the launched process exits, and returns its status. The exit is no crash.
    ///
    /// # Errors
    /// A broken harness if none was launched.
    pub(crate) fn await_exit(&mut self, limit: Duration) -> check::Result<Option<ExitStatus>> {
        let status = self.instance()?.wait(limit);
        self.ended_by_us |= status.is_some();
        Ok(status)
    }

    /// Sends the server the signal that ends it gracefully, and does not wait. [`await_stop`](Server::await_stop) does.
    ///
    /// # Errors
    /// A broken harness if the signal cannot be sent.
    pub(crate) fn begin_stop(&mut self) -> check::Result {
        let stop = self.spec.setup().stop;
        self.ended_by_us = true;
        self.instance()?.signal(stop).or_broken(format!("{stop} sent"))
    }

    /// Sends the signal that ends the server gracefully, SIGTERM unless its [set-up](super::Setup::stop) names another,
    /// and waits until the launched process exits.
    ///
    /// # Errors
    /// A timeout if it does not exit.
    pub fn stop_and_wait(&mut self) -> check::Result<ExitStatus> {
        self.signal_and_wait(self.spec.setup().stop)
    }

    /// Waits until the launched process exits after [`begin_stop`](Server::begin_stop), at which `stopwatch` was started.
    ///
    /// # Errors
    /// A timeout if it does not exit.
    pub(crate) fn await_stop(&mut self, stopwatch: &mut Stopwatch) -> check::Result<ExitStatus> {
        self.expect_exit(self.spec.setup().stop, stopwatch.elapsed())
    }

    /// Stops the launched process with SIGSTOP, and waits until it has stopped. Everything that clients do from now
    /// on reaches it at once when it is [thawed](Server::thaw).
    ///
    /// # Errors
    /// A broken harness if it does not stop.
    pub fn freeze(&mut self) -> check::Result {
        let limit = self.deadlines().no_progress();
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

    /// [Freezes](Server::freeze) the server if the harness launched it. An attached server runs on: it is never sent a
    /// signal.
    ///
    /// # Errors
    /// As [`freeze`](Server::freeze).
    pub(crate) fn freeze_if_launched(&mut self) -> check::Result {
        if self.is_attached() { Ok(()) } else { self.freeze() }
    }

    /// Continues a [frozen](Server::freeze) server with SIGCONT. An attached server was not frozen.
    ///
    /// # Errors
    /// A broken harness if the signal cannot be sent.
    pub fn thaw(&mut self) -> check::Result {
        if self.is_attached() {
            return Ok(());
        }
        let sent = self.instance()?.signal(Signal::SIGCONT);
        sent.or_broken("SIGCONT sent")
    }

    /// Kills every process of the server at once with SIGKILL, so that none can clean up.
    pub fn crash(&mut self) {
        self.ended_by_us = true;
        self.disturbed.store(true, Ordering::Relaxed);
        for instance in &mut self.instances {
            instance.crash();
        }
        self.await_release();
    }

    /// Waits until the kernel has released the address of an exited process. The kernel closes sockets before it
    /// reports the exit, but unfinished work, such as calls of an io_uring, holds them longer, above all on a busy
    /// machine. A process of the server that still runs may hold the address on purpose, so the wait is short then.
    pub(crate) fn await_release(&self) {
        if self.spec.start() != Start::Bind {
            return;
        }
        let taken = || readiness::is_port_in_use(self.spec.transport(), self.address());
        let all_exited = self.processes().is_ok_and(|processes| processes.is_empty());
        let limit = if all_exited { self.deadlines().no_progress() } else { self.deadlines().quiet() };
        let _ = until(limit, || Ok((!taken()).then_some(())));
    }

    /// Kills the server and launches it again on the same address.
    ///
    /// # Errors
    /// [`LaunchError`], as at the first launch.
    pub fn restart(&mut self) -> Result<(), LaunchError> {
        self.crash();
        self.instances.clear();
        let again = self.launch_and_await()?;
        self.instances.push(again);
        self.ended_by_us = false;
        Ok(())
    }

    /// Launches a second instance of the server on the server's address, and does not wait until it is ready.
    ///
    /// # Errors
    /// [`LaunchError`] if it cannot be executed.
    pub(crate) fn start_second(&self) -> Result<Instance, LaunchError> {
        self.start_at(self.address(), &LaunchOptions::default())
    }

    /// Launches the server's command for any `address`, even one in use, and does not wait until it is ready.
    ///
    /// # Errors
    /// [`LaunchError`] if it cannot be executed.
    pub(crate) fn start_at(
        &self,
        address: &Address,
        options: &LaunchOptions,
    ) -> Result<Instance, LaunchError> {
        self.disturbed.store(true, Ordering::Relaxed);
        self.launch_instance(address, GivenDescriptors::default(), options)
    }
}

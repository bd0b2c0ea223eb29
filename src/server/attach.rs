//! A server that runs already: the harness connects to it, and never ends, signals or limits it.

use std::io;

use super::attached_process::AttachedProcess;
use super::{LaunchError, LaunchOptions, Scratch, Server, Spec, prerequisites};
use crate::check::Finding;
use crate::deadline::until;
use crate::outcome::Outcome;
use crate::sys::{self, Object, Process};
use crate::text::one_line;
use crate::transport::{Capabilities, ConnectOptions, Link, ReservedAddress};

impl Server {
    /// Attaches to the running server that `spec` describes.
    ///
    /// # Errors
    /// [`LaunchError`] if nothing accepts connections at its address, or if the process that the user names does not
    /// listen there.
    pub(super) fn attach(spec: &Spec, options: LaunchOptions) -> Result<Server, LaunchError> {
        prerequisites::prove_descriptors()?;
        let scratch = Scratch::new().map_err(prerequisites::no_directory)?;
        let address = spec.setup().fixed_address.clone();
        let address = address.ok_or_else(|| LaunchError::Harness(io::ErrorKind::AddrNotAvailable.into()))?;
        let reserved = ReservedAddress::fixed(address, spec.transport().capabilities);
        let mut server = Server::new(spec, options, reserved, scratch);
        server
            .probe()
            .map_err(|problem| LaunchError::Unreachable { address: server.address().to_string(), problem })?;
        if let Some(process) = spec.process() {
            server.expect_listener(process)?;
        }
        Ok(server)
    }

    /// Launches the server, or attaches to it. If a running server refuses, waits until it accepts connections again,
    /// because its supervisor may be restarting it.
    ///
    /// # Errors
    /// As [`launch`](Server::launch).
    pub(crate) fn launch_or_await(spec: &Spec, options: &LaunchOptions) -> Result<Server, LaunchError> {
        let mut last = Server::launch(spec, options.clone());
        let is_refused =
            |last: &Result<Server, LaunchError>| matches!(last, Err(LaunchError::Unreachable { .. }));
        let _ = until(options.deadlines.start(), || {
            if is_refused(&last) {
                last = Server::launch(spec, options.clone());
            }
            Ok((!is_refused(&last)).then_some(()))
        });
        last
    }

    /// Whether the harness did not launch this server, and so must not end, signal or restart it.
    #[must_use]
    pub(crate) fn is_attached(&self) -> bool {
        self.spec.is_attached()
    }

    /// Connects to the attached server. Returns the connection, or the reason if the server refuses.
    ///
    /// A server without connections cannot be asked in this way, so it is taken to be there.
    fn probe(&mut self) -> Result<Option<Link>, String> {
        if self.spec.transport().capabilities.contains(Capabilities::CONNECTIONLESS) {
            return Ok(None);
        }
        match self.connect_link(&ConnectOptions::default()) {
            Ok(link) => Ok(Some(link)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Returns the reason if an attached server has gone: it refuses connections, or its process has ended.
    pub(super) fn why_gone(&mut self) -> Option<String> {
        if self.process_has_ended() {
            return self.spec.process().map(|process| format!("process {} has ended", process.0));
        }
        let problem = self.probe().err()?;
        Some(format!("{} accepts no connection: {problem}", self.address()))
    }

    /// Waits a moment for the end of a server that has failed a client, and then returns the reason if it has gone.
    ///
    /// Linux closes the descriptors of a process that exits one by one, the listener among the last. So a client may
    /// lose its connection while the kernel still accepts another. That one ends with the process.
    fn why_gone_soon(&mut self) -> Option<String> {
        let mut probe = self.probe().unwrap_or_default();
        if probe.is_some() || self.spec.process().is_some() {
            let _ = until(self.deadlines().quiet(), || {
                let gone = probe.as_mut().is_some_and(has_ended) || self.process_has_ended();
                Ok(gone.then_some(()))
            });
        }
        self.why_gone()
    }

    /// Whether the user named the server's process, and it and its descendants have ended.
    fn process_has_ended(&self) -> bool {
        let Some(process) = self.spec.process() else { return false };
        process.processes().is_ok_and(|living| living.is_empty())
    }

    /// Turns `finding` into a crash if it is about an attached server that has gone.
    pub(super) fn diagnose_attached(&mut self, finding: Finding) -> Finding {
        if !matches!(finding.outcome, Outcome::Fail | Outcome::Timeout) {
            return finding;
        }
        if let Some(reason) = self.why_gone_soon() {
            return Finding { outcome: Outcome::Crash, ..finding }.because(reason);
        }
        let capabilities = self.spec.capabilities();
        let may_be_lost =
            capabilities.contains(Capabilities::UDP) && !capabilities.contains(Capabilities::LOCAL);
        if may_be_lost && finding.outcome == Outcome::Timeout {
            return finding
                .because("a network may lose datagrams (RFC 768): try again with --flaky-retries 2");
        }
        finding
    }

    /// Fails unless `process`, or one of its descendants, holds a socket at the server's address.
    fn expect_listener(&self, process: AttachedProcess) -> Result<(), LaunchError> {
        let not_listening = |problem: String| LaunchError::NotItsProcess {
            pid: process.0.as_raw(),
            address: self.address().to_string(),
            problem,
        };
        let processes = process.processes().map_err(|error| not_listening(error.to_string()))?;
        if processes.is_empty() {
            return Err(not_listening("there is no such process".into()));
        }
        let Some(place) = self.place() else { return Ok(()) };
        let id = sys::socket_id_at(place).map_err(|error| not_listening(error.to_string()))?;
        let Some(id) = id else {
            let problem = "this network namespace has no such listener; leave out --pid".into();
            return Err(not_listening(problem));
        };
        let mut refused = None;
        for process in &processes {
            match sys::descriptors(process.pid) {
                Ok(table) if table.iter().any(|it| is_socket(&it.object, id)) => return Ok(()),
                Ok(_) => {}
                Err(error) => refused = Some(format!("its descriptors cannot be listed: {error}")),
            }
        }
        Err(not_listening(refused.unwrap_or_else(|| holder_of(id))))
    }
}

/// Whether the server's end of `link` is closed or reset. Discards what has arrived.
fn has_ended(link: &mut Link) -> bool {
    match link.read(&mut [0; 4096]) {
        Ok(length) => length == 0,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}

fn is_socket(object: &Object, id: u64) -> bool {
    matches!(object, Object::Socket(socket) if socket.id == id)
}

/// Names the process that holds the socket `id`, for a report.
fn holder_of(id: u64) -> String {
    let holds = |process: &Process| {
        sys::descriptors(process.pid).is_ok_and(|table| table.iter().any(|it| is_socket(&it.object, id)))
    };
    let holder = sys::processes().unwrap_or_default().into_iter().find(holds);
    holder.map_or_else(
        || "another process does, which cannot be seen here".into(),
        |it| format!("process {} ({}) does", it.pid, one_line(&it.name)),
    )
}

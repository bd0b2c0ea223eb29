//! Launch, await ready, connect, inspect, signal, restart, reap: a server that cannot outlive its owner.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use nix::unistd::Pid;

use crate::check::{self, Finding, OrFinding};
use crate::deadline::Deadlines;
use crate::payload::payload;
use crate::transport::{Address, Capabilities, Reserved};

mod clients;
mod conditions;
mod control;
mod effort;
mod error;
mod guard;
mod instance;
mod ledger;
mod output;
mod passed;
mod plan;
mod ready;
mod remains;
mod scratch;
mod shepherd;
mod spawn;
mod spec;
mod standing;
mod strace;
mod watch;
mod worker;

pub use crate::sys::ipc::terminal;
pub use clients::Lent;
pub use conditions::{Conditions, Passing, Standard, full_pipe};
pub use effort::Effort;
pub use error::{LaunchError, describe};
use instance::Given;
pub use instance::Instance;
pub use output::Output;
pub use plan::bundled_plans;
pub use remains::{Leak, Remains};
pub use scratch::{Scratch, directory, keep_directories};
pub use shepherd::sweep;
pub use spec::{Spec, Start, bundled};
pub use standing::{holdings, standing, started_as};
pub use strace::{find_strace, strace_words};
pub use worker::{Heard, Worker};

/// A server under test: its address, its processes, and the clients' way to it.
///
/// For transports and ways of starting with one process for each client, each
/// [`connect`](Server::connect) launches one. When this value goes, every process it has launched has
/// ended, descendants included, and its directory is removed.
#[derive(Debug)]
pub struct Server {
    spec: Spec,
    conditions: Conditions,
    deadlines: Deadlines,
    seed: u64,
    streams: u64,
    ended_by_us: bool,
    /// Some instance was killed, or another came to its address: what is there may be theirs.
    disturbed: AtomicBool,
    // Fields are dropped in this order: processes first, then what they used.
    instances: Vec<Instance>,
    /// What is passed to it, and where each is; the first is at the server's own address.
    listeners: Vec<(OwnedFd, Address)>,
    reserved: Reserved,
    _second: Option<Reserved>,
    scratch: Scratch,
}

impl Server {
    /// Launches the server and waits until it is ready.
    ///
    /// # Errors
    /// [`LaunchError`], which quotes what the server printed.
    pub fn launch(spec: &Spec, deadlines: Deadlines, seed: u64) -> Result<Server, LaunchError> {
        Server::launch_under(Conditions::default(), spec, deadlines, seed)
    }

    /// The same under `conditions`, at every start of it.
    ///
    /// # Errors
    /// As [`launch`](Server::launch).
    pub fn launch_under(
        mut conditions: Conditions,
        spec: &Spec,
        deadlines: Deadlines,
        seed: u64,
    ) -> Result<Server, LaunchError> {
        spec.find_program()?;
        let scratch = Scratch::new().map_err(LaunchError::Harness)?;
        conditions.temporary.get_or_insert_with(|| scratch.temporary());
        let reserved = (spec.transport().reserve)(scratch.path()).map_err(LaunchError::Harness)?;
        let mut server = Server {
            spec: spec.clone(),
            conditions,
            deadlines,
            seed,
            streams: 0,
            ended_by_us: false,
            disturbed: AtomicBool::new(false),
            instances: Vec::new(),
            listeners: Vec::new(),
            reserved,
            _second: None,
            scratch,
        };
        if spec.start() != Start::Bind {
            server.make_listeners().map_err(LaunchError::Harness)?;
        }
        if server.one_for_all() {
            let first = server.start_instance()?;
            server.instances.push(first);
        }
        Ok(server)
    }

    /// Launches the same command once more, at an address of its own.
    ///
    /// # Errors
    /// As [`launch`](Server::launch).
    pub fn another(&self) -> Result<Server, LaunchError> {
        self.another_under(Conditions::default())
    }

    /// Launches the same command once more under other conditions, at an address of its own.
    ///
    /// # Errors
    /// As [`launch`](Server::launch).
    pub fn another_under(&self, conditions: Conditions) -> Result<Server, LaunchError> {
        Server::launch_under(conditions, &self.spec, self.deadlines, self.seed)
    }

    /// Another address of its transport, which nobody else takes as long as it is held.
    pub(crate) fn reserve_another(&self) -> Result<Reserved, Finding> {
        let reserved = (self.spec.transport().reserve)(self.scratch.path());
        reserved.or_broken("an address of our own")
    }

    fn make_listeners(&mut self) -> io::Result<()> {
        let (transport, passing) = (self.spec.transport(), self.conditions.passing);
        let listener = passed::listener(transport, &self.reserved, passing.nonblocking)?;
        self.listeners.push((listener, self.reserved.address.clone()));
        if passing.second {
            let place = self.scratch.path().join("second");
            std::fs::create_dir(&place)?;
            let second = (transport.reserve)(&place)?;
            self.listeners
                .push((passed::listener(transport, &second, passing.nonblocking)?, second.address.clone()));
            self._second = Some(second);
        }
        Ok(())
    }

    fn one_for_all(&self) -> bool {
        self.spec.offers().contains(Capabilities::MANY_CLIENTS)
    }

    fn start_instance(&self) -> Result<Instance, LaunchError> {
        let copies = self.listeners.iter().map(|(listener, _)| listener.try_clone());
        let passed = copies.collect::<io::Result<_>>().map_err(LaunchError::Harness)?;
        let given = Given { passed, ..Given::default() };
        let mut instance = Instance::launch(self.spec.fill(self.address()), given, &self.conditions)?;
        ready::await_ready(&mut instance, self.spec.transport(), self.address(), self.deadlines)?;
        Ok(instance)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.reserved.address
    }

    /// Where the second of the listeners passed to it is, if [it was passed one](Passing::second).
    #[must_use]
    pub fn second_address(&self) -> Option<&Address> {
        self.listeners.get(1).map(|(_, address)| address)
    }

    /// A directory of its own, which goes with it: for what its clients bind.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// What was launched.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The deadlines in force.
    #[must_use]
    pub fn deadlines(&self) -> Deadlines {
        self.deadlines
    }

    /// `length` bytes that nobody else of this run sends, and that the run's seed determines.
    pub fn payload(&mut self, length: usize) -> Vec<u8> {
        self.streams += 1;
        payload(length, self.seed, self.streams)
    }

    /// The process launched last: the server itself, or that of the newest client.
    ///
    /// # Errors
    /// A broken harness before any was launched.
    pub fn instance(&mut self) -> check::Result<&mut Instance> {
        self.instances.last_mut().ok_or_else(|| Finding::broken("a running server", "none was launched"))
    }

    /// The process that was launched.
    ///
    /// # Errors
    /// As [`instance`](Server::instance).
    pub fn pid(&mut self) -> check::Result<Pid> {
        Ok(self.instance()?.pid())
    }
}

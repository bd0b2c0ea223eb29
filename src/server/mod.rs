//! Launch, await ready, connect, inspect, signal, restart, reap: a server that cannot outlive its owner.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::ExitStatus;

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::os::{self, Descriptor, Process};
use crate::patience::{Patience, until};
use crate::payload::payload;
use crate::transport::{Address, Client, Dial, Link, Messenger, Needs, Reserved, Witness, pipe_pair};
use crate::verdict::{Finding, Outcome, Verdict};

mod error;
mod instance;
mod output;
mod passed;
mod plan;
mod ready;
mod shepherd;
mod spawn;
mod spec;

pub use error::{LaunchError, describe};
pub use instance::Instance;
use instance::Stdio3;
pub use output::Output;
pub use plan::bundled_plans;
pub use spec::{Spec, Start, bundled};

/// A server under test: its address, its processes, and the clients' way to it.
///
/// For transports and ways of starting with one process for each client, each
/// [`connect`](Server::connect) launches one. When this value goes, every process it has launched has
/// ended, descendants included, and its directory is removed.
#[derive(Debug)]
pub struct Server {
    spec: Spec,
    patience: Patience,
    seed: u64,
    streams: u64,
    ended_by_us: bool,
    // Fields are dropped in this order: processes first, then what they used.
    instances: Vec<Instance>,
    listener: Option<OwnedFd>,
    reserved: Reserved,
    scratch: TempDir,
}

impl Server {
    /// Launches the server and waits until it is ready.
    ///
    /// # Errors
    /// [`LaunchError`], which quotes what the server printed.
    pub fn launch(spec: &Spec, patience: Patience, seed: u64) -> Result<Server, LaunchError> {
        let scratch = scratch_directory().map_err(LaunchError::Harness)?;
        let reserved = (spec.transport().reserve)(scratch.path()).map_err(LaunchError::Harness)?;
        let mut server = Server {
            spec: spec.clone(),
            patience,
            seed,
            streams: 0,
            ended_by_us: false,
            instances: Vec::new(),
            listener: None,
            reserved,
            scratch,
        };
        if spec.start() != Start::Bind {
            let listener =
                passed::listener(spec.transport(), &mut server.reserved).map_err(LaunchError::Harness)?;
            server.listener = Some(listener);
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
        Server::launch(&self.spec, self.patience, self.seed)
    }

    fn one_for_all(&self) -> bool {
        self.spec.offers().contains(Needs::MANY_CLIENTS)
    }

    fn start_instance(&self) -> Result<Instance, LaunchError> {
        let mut given = Stdio3::default();
        if let Some(listener) = &self.listener {
            given.passed.push(listener.try_clone().map_err(LaunchError::Harness)?);
        }
        let mut instance = Instance::launch(self.spec.fill(self.address()), given)?;
        ready::await_ready(&mut instance, self.spec.transport(), self.address(), self.patience)?;
        Ok(instance)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.reserved.address
    }

    /// What was launched.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The deadlines in force.
    #[must_use]
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// `length` bytes that nobody else of this run sends, and that the run's seed determines.
    pub fn payload(&mut self, length: usize) -> Vec<u8> {
        self.streams += 1;
        payload(length, self.seed, self.streams)
    }

    /// A new client of a stream server.
    ///
    /// # Errors
    /// A failure where the server refuses, a timeout where it does not answer.
    pub fn connect(&mut self) -> Verdict<Client> {
        self.connect_from(None)
    }

    /// A new client with an address of its own choice; port 0 leaves the port to the system.
    ///
    /// # Errors
    /// As [`connect`](Server::connect); a broken harness where the address cannot be had.
    pub fn connect_from(&mut self, source: Option<SocketAddr>) -> Verdict<Client> {
        let link = self.link(source)?;
        Ok(Client::new(link, self.patience).watched_by(self.witness()))
    }

    /// A new client of a message server.
    ///
    /// # Errors
    /// As [`connect`](Server::connect).
    pub fn messenger(&mut self) -> Verdict<Messenger> {
        self.messenger_from(None)
    }

    /// A new client of a message server with an address of its own choice.
    ///
    /// # Errors
    /// As [`connect`](Server::connect).
    pub fn messenger_from(&mut self, source: Option<SocketAddr>) -> Verdict<Messenger> {
        let link = self.link(source)?;
        Ok(Messenger::new(link, self.patience).watched_by(self.witness()))
    }

    fn link(&mut self, source: Option<SocketAddr>) -> Verdict<Link> {
        if self.spec.transport().offers.contains(Needs::STDIO) {
            return self.launch_on_pipes();
        }
        let link = self.dial(source).map_err(|error| self.unreachable(&error))?;
        if self.spec.start() == Start::Inetd {
            self.launch_on_connection()?;
        }
        Ok(link)
    }

    fn dial(&mut self, source: Option<SocketAddr>) -> io::Result<Link> {
        self.streams += 1;
        (self.spec.transport().dial)(&Dial {
            address: self.address(),
            source,
            scratch: self.scratch.path(),
            number: self.streams,
            limit: self.patience.progress(),
        })
    }

    fn unreachable(&self, error: &io::Error) -> Finding {
        let wanted = format!("a connection to {}", self.address());
        match error.kind() {
            io::ErrorKind::TimedOut => Finding::timeout(wanted, "no answer"),
            io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable => {
                Finding::broken(wanted, error.to_string())
            }
            _ => Finding::fail(wanted, error.to_string()),
        }
    }

    fn launch_on_pipes(&mut self) -> Verdict<Link> {
        let (link, input, output) =
            pipe_pair().map_err(|error| Finding::broken("two pipes", error.to_string()))?;
        self.launch_with(Stdio3 { input: Some(input), output: Some(output), ..Stdio3::default() })?;
        Ok(link)
    }

    /// A client of a server on pipes, with duplicates of the server's own standard input and output: the
    /// same open file descriptions, as a shell that launched it would hold them.
    ///
    /// While the duplicate of its output is open, the client sees no end of file.
    ///
    /// # Errors
    /// A broken harness where pipes or the process cannot be had.
    pub fn connect_sharing_stdio(&mut self) -> Verdict<(Client, [OwnedFd; 2])> {
        let broken = |error: io::Error| Finding::broken("two pipes", error.to_string());
        let (link, input, output) = pipe_pair().map_err(broken)?;
        let shared = [input.try_clone().map_err(broken)?, output.try_clone().map_err(broken)?];
        self.launch_with(Stdio3 { input: Some(input), output: Some(output), ..Stdio3::default() })?;
        Ok((Client::new(link, self.patience).watched_by(self.witness()), shared))
    }

    fn launch_on_connection(&mut self) -> Verdict {
        let broken = |error: io::Error| Finding::broken("a connection to pass on", error.to_string());
        let listener = self.listener.as_ref().ok_or_else(|| broken(io::ErrorKind::NotFound.into()))?;
        let connection = passed::accept(listener).map_err(broken)?;
        let copy = || connection.try_clone().map(Some).map_err(broken);
        let given = Stdio3 { input: copy()?, output: copy()?, error: copy()?, passed: Vec::new() };
        drop(connection);
        self.launch_with(given)
    }

    fn launch_with(&mut self, given: Stdio3) -> Verdict {
        let instance = Instance::launch(self.spec.fill(self.address()), given)
            .map_err(|error| Finding::broken("one more server process", error.to_string()))?;
        self.instances.push(instance);
        Ok(())
    }

    /// The process launched last: the server itself, or that of the newest client.
    ///
    /// # Errors
    /// A broken harness before any was launched.
    pub fn instance(&mut self) -> Verdict<&mut Instance> {
        self.instances.last_mut().ok_or_else(|| Finding::broken("a running server", "none was launched"))
    }

    /// The process that was launched.
    ///
    /// # Errors
    /// As [`instance`](Server::instance).
    pub fn pid(&mut self) -> Verdict<Pid> {
        Ok(self.instance()?.pid())
    }

    /// Every living process of this server.
    ///
    /// # Errors
    /// Unsupported where the system does not list processes.
    pub fn processes(&self) -> Verdict<Vec<Process>> {
        let lists: io::Result<Vec<_>> = self.instances.iter().map(Instance::processes).collect();
        Ok(lists.map_err(|error| untold("a list of the server's processes", &error))?.concat())
    }

    /// The descriptor table of one of its processes.
    ///
    /// # Errors
    /// Unsupported where the system does not tell.
    pub fn descriptors(&self, pid: Pid) -> Verdict<Vec<Descriptor>> {
        os::descriptors(pid).map_err(|error| untold("the descriptors of the server", &error))
    }

    /// How many descriptors one of its processes has open.
    ///
    /// # Errors
    /// As [`descriptors`](Server::descriptors).
    pub fn descriptor_count(&self, pid: Pid) -> Verdict<usize> {
        os::descriptor_count(pid).map_err(|error| untold("the descriptors of the server", &error))
    }

    /// Sends `signal` to the launched process alone and waits for its end.
    ///
    /// # Errors
    /// A timeout where it lives on.
    pub fn end_by(&mut self, signal: Signal) -> Verdict<ExitStatus> {
        let limit = self.patience.exit();
        self.ended_by_us = true;
        let instance = self.instance()?;
        instance
            .signal(signal)
            .map_err(|error| Finding::broken(format!("{signal} sent"), error.to_string()))?;
        instance.wait(limit).ok_or_else(|| {
            Finding::timeout(
                format!("an end after {signal}"),
                format!("alive after {} s", limit.as_secs_f64()),
            )
        })
    }

    /// Stops the launched process with SIGSTOP and proves that it stands still; what clients do from now on
    /// it meets all at once when it is [thawed](Server::thaw).
    ///
    /// # Errors
    /// A broken harness where it does not stop.
    pub fn freeze(&mut self) -> Verdict {
        let limit = self.patience.progress();
        let instance = self.instance()?;
        instance
            .signal(Signal::SIGSTOP)
            .map_err(|error| Finding::broken("SIGSTOP sent", error.to_string()))?;
        let leader = instance.pid();
        let stopped = until(limit, || {
            let now = self.processes()?;
            Ok(now.iter().any(|process| process.pid == leader && process.stopped).then_some(()))
        })?;
        stopped.ok_or_else(|| Finding::broken("a stopped server", "it runs on"))
    }

    /// Lets a [frozen](Server::freeze) server go on.
    ///
    /// # Errors
    /// A broken harness where the signal cannot be sent.
    pub fn thaw(&mut self) -> Verdict {
        let sent = self.instance()?.signal(Signal::SIGCONT);
        sent.map_err(|error| Finding::broken("SIGCONT sent", error.to_string()))
    }

    /// Ends every process of the server at once, as a power cut would: nothing is tidied up.
    pub fn crash(&mut self) {
        self.ended_by_us = true;
        self.instances.iter_mut().for_each(Instance::end);
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
        Instance::launch(self.spec.fill(self.address()), Stdio3::default())
    }

    /// Adds to `finding` what the server's processes tell: that one has died, and of what.
    #[must_use]
    pub fn diagnose(&mut self, finding: Finding) -> Finding {
        let blames = matches!(finding.outcome, Outcome::Fail | Outcome::Timeout) && !self.ended_by_us;
        let for_all = self.one_for_all();
        let Some(instance) = self.instances.last_mut().filter(|_| blames) else { return finding };
        if let Some(status) = instance.ended() {
            // One process for each client may well end with its client; the server of all may not.
            let outcome = if for_all || !status.success() { Outcome::Crash } else { finding.outcome };
            return Finding { outcome, ..finding }
                .because(format!("the server has ended: {}", describe(status)));
        }
        finding
    }

    /// Tells where each process of the server stands still, as far as the system lets us know.
    fn witness(&self) -> Witness {
        let members: Vec<_> = self.instances.iter().map(Instance::members).collect();
        Witness(Box::new(move || {
            let processes = members.iter().flat_map(|members| members().unwrap_or_default());
            let place = |process: Process| {
                let place = os::blocked_in(process.pid)?;
                Some(format!("{} ({}) is blocked in {place}", process.pid, process.name.escape_default()))
            };
            processes.filter_map(place).take(4).collect::<Vec<_>>().join(", ")
        }))
    }

    /// What the server has printed last.
    #[must_use]
    pub fn last_words(&self) -> Vec<String> {
        self.instances.last().map(|instance| instance.output().last_lines(12)).unwrap_or_default()
    }
}

fn untold(what: &str, error: &io::Error) -> Finding {
    match error.kind() {
        io::ErrorKind::Unsupported => Finding::unsupported(what, "this system does not tell"),
        _ => Finding::broken(what, error.to_string()),
    }
}

/// Under `/tmp` where the usual place has a name so long that no socket's path would fit (unix(7)).
fn scratch_directory() -> io::Result<TempDir> {
    const ROOM: usize = 60;
    let usual = std::env::temp_dir();
    let place = if usual.as_os_str().len() > ROOM { "/tmp".into() } else { usual };
    tempfile::Builder::new().prefix("echospec-").tempdir_in(place)
}

//! A server under test: launch it, connect to it, inspect it, signal it, restart it, shut it down.
//!
//! The folder, in the order of a server's life:
//!
//! | file | content |
//! |---|---|
//! | `spec` | the command, its transport, and who makes the socket |
//! | `offered` | the capabilities of the server |
//! | `rehearsal` | properties of the server that were found before any check |
//! | `attach`, `attached_process`, `attached_spec`, `running_address` | a server that runs already |
//! | `trial` | a command that runs once, to find the place where its server listens |
//! | `options` | limits, signals, descriptors and deadlines of one launch |
//! | `process/` | one running process, its descendants, its output, and how they are all killed |
//! | `readiness` | how the harness knows that the server listens |
//! | `connect`, `accept_queue` | clients, and whether the server has room for one |
//! | `handed_over` | a conversation that one check leaves open for the next |
//! | `inspect`, `cpu_use` | processes, descriptors, memory, processor time |
//! | `control` | signals, freeze and thaw, crash, restart, a second instance |
//! | `relaunch` | further launches during a check, and the finding about one that fails |
//! | `leaks` | shutdown, and what the server leaves behind |

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use nix::unistd::Pid;

use crate::check::{self, Finding, OrFinding};
use crate::deadline::Deadlines;
use crate::payload::payload;
use crate::transport::{Address, Capabilities, Client, ReservedAddress};
use placeholders::PlaceholderValues;

mod abandoned;
mod accept_queue;
mod attach;
mod attached_process;
mod attached_spec;
mod bundled;
mod connect;
mod control;
mod cpu_use;
mod error;
mod handed_over;
mod inspect;
mod leaks;
mod listeners;
mod offered;
mod options;
mod placeholders;
pub(crate) mod prerequisites;
mod process;
mod program;
mod readiness;
mod rehearsal;
mod relaunch;
#[cfg(feature = "cli")]
mod running_address;
mod scratch;
mod setup;
mod spec;
mod start;
mod stopwatch;
#[cfg(feature = "cli")]
mod strace;
mod sweep;
mod traits;
#[cfg(feature = "cli")]
mod trial;

pub use crate::sys::open_pseudo_terminal;
pub use bundled::bundled_specs;
pub use connect::PairedProcess;
pub use cpu_use::CpuUse;
pub use error::{LaunchError, describe_exit};
pub use leaks::{Leak, Shutdown};
pub use options::{LaunchOptions, ListenerOptions, Stdio, full_pipe};
use process::GivenDescriptors;
pub use process::{
    Instance, JobOutput, JobProcess, Output, Supervision, command_line_of, describe_descriptors,
    describe_process, describe_state,
};
pub use program::bundled_program;
pub use rehearsal::Rehearsal;
pub(crate) use relaunch::UsualStart;
#[cfg(feature = "cli")]
pub(crate) use running_address::running_address;
pub use scratch::{Scratch, keep_directories, run_directory};
pub use setup::{ReadyTest, Setup};
#[cfg(feature = "cli")]
pub(crate) use setup::{fixed_address, signal_named};
pub use spec::Spec;
pub use start::Start;
#[cfg(feature = "cli")]
pub use strace::{find_strace, strace_prefix};
pub use sweep::sweep;
pub use traits::MissingCapabilities;
#[cfg(feature = "cli")]
pub(crate) use trial::{Place, find_places};

/// A running server: its address, its processes, and the way for clients to reach it.
///
/// Where each client has a server process of its own (pipes, inetd), [`connect`](Server::connect) launches
/// that process. Dropping the value kills every process that it launched, descendants included, and removes
/// its directory.
#[derive(Debug)]
pub struct Server {
    spec: Spec,
    options: LaunchOptions,
    /// The number of clients and payloads made so far for this server.
    streams: u64,
    /// Whether the harness itself has ended the server's main process.
    ended_by_us: bool,
    /// Whether a client has waited in vain for room in the server's accept queue.
    queue_stays_full: bool,
    /// Whether an instance of the server was killed, or another was launched at the same address. Files found at the
    /// address may then be from either instance.
    disturbed: AtomicBool,
    /// The client of a conversation that a check has left open for the next.
    open_conversation: Option<Client>,
    // Fields are dropped in this order: processes first, then what they used.
    instances: Vec<Instance>,
    /// Listening sockets passed to the server, with their addresses. The first is at the server's address.
    listeners: Vec<(OwnedFd, Address)>,
    reserved: ReservedAddress,
    _second: Option<ReservedAddress>,
    scratch: Scratch,
}

impl Server {
    /// Launches the server and waits until it is ready.
    ///
    /// # Errors
    /// [`LaunchError`], which quotes what the server printed.
    pub fn launch(spec: &Spec, options: LaunchOptions) -> Result<Server, LaunchError> {
        if spec.is_attached() {
            return Server::attach(spec, options);
        }
        spec.find_program()?;
        prerequisites::prove_descriptors()?;
        let scratch = Scratch::new().map_err(prerequisites::no_directory)?;
        prerequisites::prove(spec.transport(), spec.setup().fixed_address.as_ref(), scratch.path())?;
        let reserved = reserve(spec, scratch.path())?;
        let mut server = Server::new(spec, options, reserved, scratch);
        if spec.start() != Start::Bind {
            server.make_listeners().map_err(LaunchError::Harness)?;
        }
        if server.is_shared() {
            let first = server.launch_and_await()?;
            server.instances.push(first);
        }
        Ok(server)
    }

    /// Returns a server of which no process is launched yet.
    fn new(spec: &Spec, options: LaunchOptions, reserved: ReservedAddress, scratch: Scratch) -> Server {
        Server {
            spec: spec.clone(),
            options,
            streams: 0,
            ended_by_us: false,
            queue_stays_full: false,
            disturbed: AtomicBool::new(false),
            open_conversation: None,
            instances: Vec::new(),
            listeners: Vec::new(),
            reserved,
            _second: None,
            scratch,
        }
    }

    /// Returns the options that this server was launched with: launch another with them, or with some of them changed.
    #[must_use]
    pub(crate) fn options(&self) -> LaunchOptions {
        self.options.clone()
    }

    /// Reserves one more address of the server's transport. No other launch gets this address until the returned value
    /// is dropped.
    pub(crate) fn reserve_another(&self) -> check::Result<ReservedAddress> {
        let reserved = (self.spec.transport().reserve)(self.scratch.path());
        reserved.or_broken("an address of our own")
    }

    /// Launches the server's command once more, at another address. A server with a fixed address is killed first.
    ///
    /// # Errors
    /// As [`launch`](Server::launch).
    pub(crate) fn launch_another(&mut self, options: LaunchOptions) -> Result<Server, LaunchError> {
        self.require_launched()?;
        if self.spec.setup().fixed_address.is_some() {
            self.crash();
        }
        Server::launch(&self.spec, options)
    }

    /// Fails for an attached server, which has no command that could be executed.
    fn require_launched(&self) -> Result<(), LaunchError> {
        if self.is_attached() { Err(LaunchError::NoCommand) } else { Ok(()) }
    }

    fn make_listeners(&mut self) -> io::Result<()> {
        let (transport, wanted) = (self.spec.transport(), self.options.listeners);
        let listener = listeners::listen_at(transport, &self.reserved, wanted.nonblocking)?;
        self.listeners.push((listener, self.reserved.address.clone()));
        if wanted.second {
            let place = self.scratch.path().join("second");
            std::fs::create_dir(&place)?;
            let second = (transport.reserve)(&place)?;
            self.listeners.push((
                listeners::listen_at(transport, &second, wanted.nonblocking)?,
                second.address.clone(),
            ));
            self._second = Some(second);
        }
        Ok(())
    }

    /// Whether one server process serves all clients, and so is launched before any client connects.
    fn is_shared(&self) -> bool {
        self.spec.capabilities().contains(Capabilities::MANY_CLIENTS)
    }

    fn launch_and_await(&self) -> Result<Instance, LaunchError> {
        let copies = self.listeners.iter().map(|(listener, _)| listener.try_clone());
        let listeners = copies.collect::<io::Result<_>>().map_err(LaunchError::Harness)?;
        let given = GivenDescriptors { listeners, ..GivenDescriptors::default() };
        let mut instance = self.launch_instance(self.address(), given, &self.options)?;
        readiness::await_ready(&mut instance, &self.spec, self.address(), &self.options)?;
        Ok(instance)
    }

    /// Launches the server's command for `address`, and does not wait until the server is ready.
    fn launch_instance(
        &self,
        address: &Address,
        given: GivenDescriptors,
        options: &LaunchOptions,
    ) -> Result<Instance, LaunchError> {
        self.require_launched()?;
        let mut options = options.clone();
        options.temp_dir.get_or_insert_with(|| self.scratch.temporary());
        let directory = self.scratch.directory_for(address).map_err(LaunchError::Harness)?;
        let (values, setup) = (PlaceholderValues::new(address, &directory), self.spec.setup());
        setup.write_files(&directory, &values).map_err(LaunchError::Harness)?;
        Instance::launch(self.spec.fill_placeholders(&values), given, &options)
    }

    /// Returns the address where the server listens.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.reserved.address
    }

    /// Returns the address of the second listener, if the server [was passed one](ListenerOptions::second).
    #[must_use]
    pub(crate) fn second_address(&self) -> Option<&Address> {
        self.listeners.get(1).map(|(_, address)| address)
    }

    /// Returns the server's own directory, where its clients may bind sockets. It is removed with the server.
    #[must_use]
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Returns the command and transport that this server was launched from.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Records that the server lacks the capabilities in `lack`, as was found out. Clients that connect later know
    /// this.
    pub(crate) fn learn(&mut self, lack: MissingCapabilities) {
        self.spec = self.spec.clone().with_missing(lack);
    }

    /// Returns the deadlines that apply to this server.
    #[must_use]
    pub fn deadlines(&self) -> Deadlines {
        self.options.deadlines
    }

    /// Returns `length` bytes that differ from every other payload of this server. The seed determines them.
    pub fn payload(&mut self, length: usize) -> Vec<u8> {
        self.streams += 1;
        payload(length, self.options.seed, self.streams)
    }

    /// Returns the process launched last: the server itself, or the process of the newest client.
    ///
    /// # Errors
    /// A broken harness if none was launched yet.
    pub fn instance(&mut self) -> check::Result<&mut Instance> {
        self.instances.last_mut().ok_or_else(|| Finding::broken("a running server", "none was launched"))
    }

    /// Returns the process id of the process launched last.
    ///
    /// # Errors
    /// As [`instance`](Server::instance).
    pub fn pid(&mut self) -> check::Result<Pid> {
        Ok(self.instance()?.pid())
    }
}

/// Reserves an address for a server of `spec`: its fixed address, or an address that no other launch gets.
fn reserve(spec: &Spec, scratch: &Path) -> Result<ReservedAddress, LaunchError> {
    let Some(address) = &spec.setup().fixed_address else {
        return (spec.transport().reserve)(scratch).map_err(LaunchError::Harness);
    };
    if readiness::is_port_in_use(spec.transport(), address) {
        return Err(LaunchError::AddressInUse { address: address.to_string() });
    }
    Ok(ReservedAddress::fixed(address.clone(), spec.transport().capabilities))
}

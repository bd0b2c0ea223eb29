//! Connects clients to a server: by its address, or by launching a server process for each client.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::Pid;

use super::process::GivenDescriptors;
use super::{Server, Start, listeners};
use crate::check::{self, Finding, OrFinding};
use crate::outcome::Outcome;
use crate::protocol::{Protocol, Tokens};
use crate::requirement::{MANY_DESCRIPTORS, PACKET_CAPTURE};
use crate::transport::{
    Capabilities, Client, ConnectOptions, ConnectRequest, ConnectedPair, ConnectionEnds, InheritedConnection,
    Link, PendingConnection, Tuning, send_from_port_zero,
};

/// A server process that was launched on one side of a connected pair.
#[derive(Debug)]
pub struct PairedProcess {
    /// The client's descriptors of the connection: blocking, close-on-exec.
    pub ends: ConnectionEnds,
    /// The id of the server process that was launched.
    pub pid: Pid,
}

impl Server {
    /// Connects a new client.
    ///
    /// # Errors
    /// A failure if the server refuses, a timeout if it does not accept the connection.
    pub fn connect(&mut self) -> check::Result<Client> {
        self.connect_with(&ConnectOptions::default())
    }

    /// Connects a new client that speaks `protocol` instead of the server's usual one.
    ///
    /// # Errors
    /// Those of [`connect`](Server::connect).
    pub(crate) fn connect_speaking(&mut self, protocol: Protocol) -> check::Result<Client> {
        self.connect_raw(protocol, &ConnectOptions::default())
    }

    /// Connects a new client with `options` that speaks `protocol` instead of the server's usual one.
    ///
    /// # Errors
    /// Those of [`connect_with`](Server::connect_with).
    pub(crate) fn connect_raw(
        &mut self,
        protocol: Protocol,
        options: &ConnectOptions,
    ) -> check::Result<Client> {
        let usual = self.spec.replace_protocol(Arc::new(protocol));
        let client = self.connect_with(options);
        self.spec.replace_protocol(usual);
        client
    }

    /// Connects a new client with `options`.
    ///
    /// # Errors
    /// Those of [`connect`](Server::connect); a broken harness if the source address is not available.
    pub fn connect_with(&mut self, options: &ConnectOptions) -> check::Result<Client> {
        let link = self.link(options)?;
        Ok(self.client(link))
    }

    /// Connects a new client, or returns `None` if that takes longer than `limit`: the server's listen queue is full.
    ///
    /// # Errors
    /// A failure if the server refuses.
    pub(crate) fn connect_within(&mut self, limit: Duration) -> check::Result<Option<Client>> {
        let options = ConnectOptions { timeout: Some(limit), ..ConnectOptions::default() };
        match self.connect_with(&options) {
            Err(finding) if finding.outcome == Outcome::Timeout => Ok(None),
            result => result.map(Some),
        }
    }

    /// Begins to connect a client to the server, and does not wait for the server.
    ///
    /// # Errors
    /// A broken harness if the system refuses.
    pub(crate) fn begin_connect(&self) -> check::Result<PendingConnection> {
        PendingConnection::begin(self.spec.transport(), self.address()).or_broken("a connection begun")
    }

    /// Returns the client of a connection that was [begun](Server::begin_connect), or `None` if it was refused.
    ///
    /// # Errors
    /// A broken harness if the system refuses to make the socket nonblocking.
    pub(crate) fn adopt(&mut self, connection: PendingConnection) -> check::Result<Option<Client>> {
        let link = connection.into_link().or_broken("a client's end")?;
        Ok(link.map(|link| self.client(link)))
    }

    /// Sends a datagram from source port 0 to the server, as a client that cannot be answered. Needs
    /// [`UDP`](Capabilities::UDP).
    ///
    /// # Errors
    /// Unsupported without permission for raw sockets.
    pub(crate) fn send_from_port_zero(&self, datagram: &[u8]) -> check::Result {
        let wanted = "a datagram from source port 0";
        let address = self.address().expect_inet().or_broken(wanted)?;
        send_from_port_zero(address, datagram).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => {
                Finding::missing_requirement(&PACKET_CAPTURE, wanted, error.to_string())
            }
            _ => Finding::unsupported(wanted, error.to_string()),
        })
    }

    /// Connects a new client, sends a few bytes, and waits for their echo.
    ///
    /// # Errors
    /// Those of [`connect`](Server::connect) and [`exchange`](Client::exchange).
    pub(crate) fn connect_and_exchange(&mut self) -> check::Result<Client> {
        let mut client = self.connect()?;
        client.exchange(b"here")?;
        Ok(client)
    }

    /// Connects a client that stays connected and has been served, or is being served: it has exchanged once, or, if
    /// the server closes the connection after one reply, it has sent the first half of a request.
    /// [`finish`](Client::finish) sends the rest.
    ///
    /// # Errors
    /// Those of [`connect`](Server::connect) and [`exchange`](Client::exchange).
    pub(crate) fn connect_and_hold(&mut self) -> check::Result<Client> {
        if self.keeps_connections() {
            return self.connect_and_exchange();
        }
        let mut client = self.connect()?;
        client.begin_request(b"here")?;
        Ok(client)
    }

    /// Connects a client that is ready to send a request. If connections stay open, the client has completed an
    /// exchange before.
    ///
    /// # Errors
    /// As [`connect_and_hold`](Server::connect_and_hold).
    pub(crate) fn connect_ready(&mut self) -> check::Result<Client> {
        if self.keeps_connections() { self.connect_and_exchange() } else { self.connect() }
    }

    fn keeps_connections(&self) -> bool {
        self.spec.capabilities().contains(Capabilities::STAYS_OPEN)
    }

    /// Whether the server answers a new client while an earlier one is connected and silent. A server that serves one
    /// client after another does not. The caller holds the earlier client.
    ///
    /// # Errors
    /// Those of [`connect`](Server::connect) and [`send`](Client::send).
    pub(crate) fn serves_concurrently(&mut self) -> check::Result<bool> {
        let limit = self.deadlines().reply();
        let mut probe = self.connect()?;
        probe.send(b"?")?;
        if probe.never_answers() { probe.await_read() } else { probe.is_answered_within(limit) }
    }

    fn client(&mut self, link: Link) -> Client {
        // Each client has tokens of its own.
        self.streams += 1;
        Client::new(link, self.spec.capabilities(), self.deadlines())
            .speaking(self.spec.protocol(), Tokens::new(self.options.seed, self.streams))
            .with_diagnosis(self.hang_diagnosis())
            .with_processes(self.process_lister())
    }

    fn link(&mut self, options: &ConnectOptions) -> check::Result<Link> {
        if let Some(inherited) = &self.spec.transport().inherited {
            let ends = self.launch_on_server_ends(&Tuning::default())?;
            return to_link(inherited, ends);
        }
        let link = self.connect_link(options).map_err(|error| self.unreachable(options, &error))?;
        if self.spec.start() == Start::Inetd {
            self.launch_on_connection()?;
        }
        Ok(link)
    }

    pub(super) fn connect_link(&mut self, options: &ConnectOptions) -> io::Result<Link> {
        self.streams += 1;
        if options.timeout.is_none() && options.address.is_none() {
            self.await_room();
        }
        (self.spec.transport().connect)(&ConnectRequest {
            address: options.address.as_ref().unwrap_or(self.address()),
            options,
            scratch: self.scratch.path(),
            number: self.streams,
            timeout: options.timeout.unwrap_or(self.deadlines().no_progress()),
        })
    }

    fn unreachable(&self, options: &ConnectOptions, error: &io::Error) -> Finding {
        use nix::libc::{
            EADDRINUSE, EADDRNOTAVAIL, EHOSTUNREACH, EMFILE, ENETUNREACH, ENFILE, ENOBUFS, ENOMEM,
        };
        let wanted = format!("a connection to {}", options.address.as_ref().unwrap_or(self.address()));
        match error.raw_os_error() {
            // A resource of this process or machine is missing, which is not the server's fault. Packets to an address
            // of this machine need no route, so that is never the server's fault either.
            Some(EMFILE | ENFILE) => {
                Finding::missing_requirement(&MANY_DESCRIPTORS, wanted, error.to_string())
            }
            Some(EADDRINUSE | EADDRNOTAVAIL | EHOSTUNREACH | ENETUNREACH | ENOBUFS | ENOMEM) => {
                Finding::broken(wanted, error.to_string())
            }
            _ if error.kind() == io::ErrorKind::TimedOut => Finding::timeout(wanted, "no answer"),
            _ => Finding::fail(wanted, error.to_string()),
        }
    }

    /// Launches the server on one side of a new connected pair, and returns the other side, for a client in another
    /// process.
    ///
    /// # Errors
    /// A broken harness if servers of this transport have an address, or if the process cannot be launched.
    #[doc(hidden)]
    pub fn launch_on_pair(&mut self, tuning: &Tuning) -> check::Result<PairedProcess> {
        let ends = self.launch_on_server_ends(tuning)?;
        Ok(PairedProcess { ends, pid: self.pid()? })
    }

    /// Launches the server on the server's ends of a new connection, and returns the client's ends.
    fn launch_on_server_ends(&mut self, tuning: &Tuning) -> check::Result<ConnectionEnds> {
        let ConnectedPair { client, server } = self.connected_pair(tuning)?;
        self.launch_with(GivenDescriptors::pipes(server.read, server.write))?;
        Ok(client)
    }

    fn connected_pair(&self, tuning: &Tuning) -> check::Result<ConnectedPair> {
        let transport = self.spec.transport();
        let wanted = || format!("a conversation by {} to inherit", transport.name);
        let Some(inherited) = &transport.inherited else {
            return Err(Finding::broken(wanted(), "its server has an address of its own"));
        };
        (inherited.make)(tuning).map_err(|error| match error.kind() {
            io::ErrorKind::Unsupported => Finding::unsupported(wanted(), error.to_string()),
            _ => Finding::broken(wanted(), error.to_string()),
        })
    }

    /// Connects a client to a server on pipes. Calls `before_launch` with duplicates of the server's standard input and
    /// output, the same open file descriptions that a shell that launches the server would hold, and returns its result.
    ///
    /// The client sees no end of file while the duplicate of the output is open.
    ///
    /// # Errors
    /// A broken harness if the pipes cannot be made or the process cannot be launched.
    pub(crate) fn connect_sharing_stdio<T>(
        &mut self,
        before_launch: impl FnOnce([OwnedFd; 2]) -> check::Result<T>,
    ) -> check::Result<(Client, T)> {
        let ConnectedPair { client, server } = self.connected_pair(&Tuning::default())?;
        let copy = |end: &OwnedFd| end.try_clone().or_broken("a duplicate of the server's end of a pipe");
        let shared = before_launch([copy(&server.read)?, copy(&server.write)?])?;
        self.launch_with(GivenDescriptors::pipes(server.read, server.write))?;
        let inherited = self.spec.transport().inherited.as_ref();
        let inherited =
            inherited.ok_or_else(|| Finding::broken("a pair of pipes", "the server has an address"))?;
        let link = to_link(inherited, client)?;
        Ok((self.client(link), shared))
    }

    /// Returns a client over `link`, one side of a connection that the caller has made. The server at the other side is
    /// not yet [launched](Server::launch_for).
    pub(crate) fn client_over(&mut self, link: Link) -> Client {
        self.client(link)
    }

    /// Launches the server for `client`, with `input` and `output` as its descriptors 0 and 1.
    ///
    /// # Errors
    /// A broken harness if the process cannot be launched.
    pub(crate) fn launch_for(
        &mut self,
        client: Client,
        input: impl Into<OwnedFd>,
        output: impl Into<OwnedFd>,
    ) -> check::Result<Client> {
        self.launch_with(GivenDescriptors::pipes(input.into(), output.into()))?;
        Ok(client.with_diagnosis(self.hang_diagnosis()).with_processes(self.process_lister()))
    }

    fn launch_on_connection(&mut self) -> check::Result {
        let (listener, _) = self
            .listeners
            .first()
            .ok_or_else(|| Finding::broken("a listener to accept from", "the server was given none"))?;
        let connection = listeners::accept(listener).or_broken("a connection to pass on")?;
        let copy = || connection.try_clone().map(Some).or_broken("a connection to pass on");
        let given = GivenDescriptors { stdio: [copy()?, copy()?, copy()?], ..GivenDescriptors::default() };
        drop(connection);
        self.launch_with(given)
    }

    fn launch_with(&mut self, given: GivenDescriptors) -> check::Result {
        let instance = self
            .launch_instance(self.address(), given, &self.options)
            .or_broken("one more server process")?;
        self.instances.push(instance);
        Ok(())
    }
}

fn to_link(inherited: &InheritedConnection, ends: ConnectionEnds) -> check::Result<Link> {
    (inherited.link)(ends).or_broken("a client's end")
}

//! How clients reach a server: by its address, or by a process launched for each of them.

use std::io;
use std::os::fd::OwnedFd;

use nix::unistd::Pid;

use super::process::GivenDescriptors;
use super::{Server, Start, listeners};
use crate::check::{self, Finding, OrFinding};
use crate::transport::{Client, ConnectOptions, Dial, Inherited, Link, Pair, PendingConnection, Tuning};

/// A server that was launched on one side of a pair, and the other side.
#[derive(Debug)]
pub struct Lent {
    /// What its client reads, and what it writes: blocking, close-on-exec. They may be of one socket or terminal.
    pub near: (OwnedFd, OwnedFd),
    /// The process that was launched.
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

    /// Connects a new client with `options`.
    ///
    /// # Errors
    /// Those of [`connect`](Server::connect); a broken harness if the source address is not available.
    pub fn connect_with(&mut self, options: &ConnectOptions) -> check::Result<Client> {
        let link = self.link(options)?;
        Ok(self.client(link))
    }

    /// Begins to connect a client, and does not wait for the server.
    ///
    /// # Errors
    /// A broken harness if the system refuses.
    pub fn begin_connect(&self) -> check::Result<PendingConnection> {
        PendingConnection::begin(self.spec.transport(), self.address()).or_broken("a connection begun")
    }

    /// Connects a client that the server has already answered once.
    ///
    /// # Errors
    /// Those of [`connect`](Server::connect) and [`exchange`](Client::exchange).
    pub fn connect_and_exchange(&mut self) -> check::Result<Client> {
        let mut client = self.connect()?;
        client.exchange(b"here")?;
        Ok(client)
    }

    /// Whether the server answers a new client while an earlier one is connected and silent. A server that serves one
    /// client after another does not. The caller holds the earlier client.
    ///
    /// # Errors
    /// Those of [`connect`](Server::connect) and [`send`](Client::send).
    pub fn serves_concurrently(&mut self) -> check::Result<bool> {
        let limit = self.deadlines().reply();
        let mut probe = self.connect()?;
        probe.send(b"?")?;
        probe.readable_within(limit)
    }

    fn client(&self, link: Link) -> Client {
        Client::new(link, self.spec.offers(), self.deadlines()).with_diagnosis(self.hang_diagnosis())
    }

    fn link(&mut self, options: &ConnectOptions) -> check::Result<Link> {
        if let Some(inherited) = &self.spec.transport().inherited {
            let near = self.launch_on_far_ends(&Tuning::default())?;
            return as_link(inherited, near);
        }
        let link = self.dial(options).map_err(|error| self.unreachable(options, &error))?;
        if self.spec.start() == Start::Inetd {
            self.launch_on_connection()?;
        }
        Ok(link)
    }

    fn dial(&mut self, options: &ConnectOptions) -> io::Result<Link> {
        self.streams += 1;
        (self.spec.transport().dial)(&Dial {
            address: options.address.as_ref().unwrap_or(self.address()),
            options,
            scratch: self.scratch.path(),
            number: self.streams,
            limit: self.deadlines().no_progress(),
        })
    }

    fn unreachable(&self, options: &ConnectOptions, error: &io::Error) -> Finding {
        use nix::libc::{EADDRINUSE, EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM};
        let wanted = format!("a connection to {}", options.address.as_ref().unwrap_or(self.address()));
        match error.raw_os_error() {
            // Ours to provide, not the server's.
            Some(EADDRINUSE | EADDRNOTAVAIL | EMFILE | ENFILE | ENOBUFS | ENOMEM) => {
                Finding::broken(wanted, error.to_string())
            }
            _ if error.kind() == io::ErrorKind::TimedOut => Finding::timeout(wanted, "no answer"),
            _ => Finding::fail(wanted, error.to_string()),
        }
    }

    /// Launches the server on the far ends of a fresh pair, and hands the near ends out, for a client of another process.
    ///
    /// # Errors
    /// A broken harness where its transport has no such pair, or the process cannot be had.
    pub fn lend(&mut self, tuning: &Tuning) -> check::Result<Lent> {
        let near = self.launch_on_far_ends(tuning)?;
        Ok(Lent { near, pid: self.pid()? })
    }

    fn launch_on_far_ends(&mut self, tuning: &Tuning) -> check::Result<(OwnedFd, OwnedFd)> {
        let pair = self.pair(tuning)?;
        self.launch_with(GivenDescriptors::pipes(pair.far.0, pair.far.1))?;
        Ok(pair.near)
    }

    fn pair(&self, tuning: &Tuning) -> check::Result<Pair> {
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

    /// A client of a server on pipes, with duplicates of the server's own standard input and output: the
    /// same open file descriptions, as a shell that launched it would hold them.
    ///
    /// While the duplicate of its output is open, the client sees no end of file.
    ///
    /// # Errors
    /// A broken harness where pipes or the process cannot be had.
    pub fn connect_sharing_stdio(&mut self) -> check::Result<(Client, [OwnedFd; 2])> {
        let Pair { near, far: (input, output) } = self.pair(&Tuning::default())?;
        let copy = |end: &OwnedFd| end.try_clone().or_broken("a duplicate of the server's end of a pipe");
        let shared = [copy(&input)?, copy(&output)?];
        self.launch_with(GivenDescriptors::pipes(input, output))?;
        let inherited = self.spec.transport().inherited.as_ref();
        let inherited =
            inherited.ok_or_else(|| Finding::broken("a pair of pipes", "the server has an address"))?;
        let link = as_link(inherited, near)?;
        Ok((self.client(link), shared))
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

fn as_link(inherited: &Inherited, (from, to): (OwnedFd, OwnedFd)) -> check::Result<Link> {
    (inherited.link)(from, to).or_broken("a client's end")
}

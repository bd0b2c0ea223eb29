//! How clients reach a server: by its address, or by a process launched for each of them.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use super::instance::{Instance, Stdio3};
use super::{Server, Start, passed};
use crate::transport::{Client, Dial, Link, Messenger, Needs, pipe_pair};
use crate::verdict::{Finding, Verdict};

impl Server {
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
        use nix::libc::{EADDRINUSE, EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM};
        let wanted = format!("a connection to {}", self.address());
        match error.raw_os_error() {
            // Ours to provide, not the server's.
            Some(EADDRINUSE | EADDRNOTAVAIL | EMFILE | ENFILE | ENOBUFS | ENOMEM) => {
                Finding::broken(wanted, error.to_string())
            }
            _ if error.kind() == io::ErrorKind::TimedOut => Finding::timeout(wanted, "no answer"),
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
}

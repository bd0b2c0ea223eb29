//! How clients reach a server: by its address, or by a process launched for each of them.

use std::io;
use std::os::fd::OwnedFd;

use super::instance::{Given, Instance};
use super::{Server, Start, passed};
use crate::transport::{Approach, Client, Dial, Knock, Link, Messenger, Needs, pipe_pair};
use crate::verdict::{Finding, Verdict};

impl Server {
    /// A new client of a stream server.
    ///
    /// # Errors
    /// A failure where the server refuses, a timeout where it does not answer.
    pub fn connect(&mut self) -> Verdict<Client> {
        self.connect_as(&Approach::default())
    }

    /// A new client that comes in a way of its own.
    ///
    /// # Errors
    /// As [`connect`](Server::connect); a broken harness where a source address cannot be had.
    pub fn connect_as(&mut self, approach: &Approach) -> Verdict<Client> {
        let link = self.link(approach)?;
        Ok(Client::new(link, self.patience).watched_by(self.witness()))
    }

    /// A new client of a message server.
    ///
    /// # Errors
    /// As [`connect`](Server::connect).
    pub fn messenger(&mut self) -> Verdict<Messenger> {
        self.messenger_as(&Approach::default())
    }

    /// A new client of a message server that comes in a way of its own.
    ///
    /// # Errors
    /// As [`connect_as`](Server::connect_as).
    pub fn messenger_as(&mut self, approach: &Approach) -> Verdict<Messenger> {
        let link = self.link(approach)?;
        Ok(Messenger::new(link, self.patience).watched_by(self.witness()))
    }

    /// A client that begins to connect and does not wait.
    ///
    /// # Errors
    /// A broken harness where it cannot even begin.
    pub fn knock(&self) -> Verdict<Knock> {
        let broken = |error: io::Error| Finding::broken("a connection begun", error.to_string());
        Knock::at(self.spec.transport(), self.address()).map_err(broken)
    }

    fn link(&mut self, approach: &Approach) -> Verdict<Link> {
        if self.spec.transport().offers.contains(Needs::STDIO) {
            return self.launch_on_pipes();
        }
        let link = self.dial(approach).map_err(|error| self.unreachable(approach, &error))?;
        if self.spec.start() == Start::Inetd {
            self.launch_on_connection()?;
        }
        Ok(link)
    }

    fn dial(&mut self, approach: &Approach) -> io::Result<Link> {
        self.streams += 1;
        (self.spec.transport().dial)(&Dial {
            address: approach.address.as_ref().unwrap_or(self.address()),
            approach,
            scratch: self.scratch.path(),
            number: self.streams,
            limit: self.patience.progress(),
        })
    }

    fn unreachable(&self, approach: &Approach, error: &io::Error) -> Finding {
        use nix::libc::{EADDRINUSE, EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM};
        let wanted = format!("a connection to {}", approach.address.as_ref().unwrap_or(self.address()));
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
        self.launch_with(Given::pipes(input, output))?;
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
        self.launch_with(Given::pipes(input, output))?;
        Ok((Client::new(link, self.patience).watched_by(self.witness()), shared))
    }

    fn launch_on_connection(&mut self) -> Verdict {
        let broken = |error: io::Error| Finding::broken("a connection to pass on", error.to_string());
        let (listener, _) = self.listeners.first().ok_or_else(|| broken(io::ErrorKind::NotFound.into()))?;
        let connection = passed::accept(listener).map_err(broken)?;
        let copy = || connection.try_clone().map(Some).map_err(broken);
        let given = Given { stdio: [copy()?, copy()?, copy()?], ..Given::default() };
        drop(connection);
        self.launch_with(given)
    }

    fn launch_with(&mut self, given: Given) -> Verdict {
        let instance = Instance::launch(self.spec.fill(self.address()), given, &self.conditions)
            .map_err(|error| Finding::broken("one more server process", error.to_string()))?;
        self.instances.push(instance);
        Ok(())
    }
}

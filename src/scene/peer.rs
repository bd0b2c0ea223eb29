//! Peers: servers that a scene plays itself, for the proxy or client under test.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};
use socket2::Socket;

use crate::check::{self, Finding, OrFinding};
use crate::deadline::{Deadlines, WaitOutcome, wait};
use crate::sys;
use crate::transport::{Client, Link};

/// A listening socket of a scene.
#[derive(Debug)]
pub(super) struct Peer {
    address: SocketAddr,
    /// The socket; `None` once the peer refuses connections.
    listener: Option<TcpListener>,
}

impl Peer {
    /// Returns a peer that listens at a free port.
    pub fn listen() -> std::io::Result<Peer> {
        sys::between_launches(|| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            Ok(Peer { address: listener.local_addr()?, listener: Some(listener) })
        })
    }

    /// Returns the address of the peer, such as `127.0.0.1:8080`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits at most `limit` for a connection, and returns the peer's end of it, or `None` if there was none.
    pub fn accept(&self, limit: Duration, deadlines: Deadlines) -> check::Result<Option<Client>> {
        let wanted = format!("a connection to {}", self.address);
        let Some(listener) = &self.listener else {
            return Err(Finding::broken(wanted, "the peer refuses connections"));
        };
        let mut interest = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        if wait(&mut interest, limit)? == WaitOutcome::Elapsed {
            return Ok(None);
        }
        let (stream, _) = listener.accept().or_broken("a connection accepted")?;
        let link = Link::socket(Socket::from(stream)).or_broken("a nonblocking socket")?;
        Ok(Some(Client::over_stream(link, deadlines).receiving_anything()))
    }

    /// Closes the peer's listening socket, so that connections are refused.
    pub fn refuse(&mut self) {
        sys::between_launches(|| self.listener = None);
    }
}

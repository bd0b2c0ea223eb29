//! Peers: servers that a scene plays itself, for the proxy or client under test.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};
use socket2::Socket;

use super::header::{PeerKind, PeerLine};
use crate::check::{self, Finding, OrFinding};
use crate::deadline::{Deadlines, WaitOutcome, wait};
use crate::server::Scratch;
use crate::sys;
use crate::transport::{Client, Link};

/// A listening socket of a scene.
#[derive(Debug)]
pub(super) struct Peer {
    /// The address in the form that a command has, such as `127.0.0.1:8080` or a path.
    address: String,
    /// The socket; `None` once the peer refuses connections.
    listener: Option<Socket>,
    /// The directory of the socket file, if the peer has one.
    _directory: Option<Scratch>,
}

impl Peer {
    /// Returns a peer that listens at a free port, or at a path of its own.
    pub fn listen(line: &PeerLine) -> io::Result<Peer> {
        sys::between_launches(|| {
            let peer = match line.kind {
                PeerKind::Tcp => Peer::at_port()?,
                PeerKind::Unix => Peer::at_path(&line.name)?,
            };
            peer.listener.iter().try_for_each(|listener| listener.set_nonblocking(true))?;
            Ok(peer)
        })
    }

    fn at_port() -> io::Result<Peer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?.to_string();
        Ok(Peer { address, listener: Some(listener.into()), _directory: None })
    }

    fn at_path(name: &str) -> io::Result<Peer> {
        let directory = Scratch::new()?;
        let path = directory.path().join(name);
        let listener = UnixListener::bind(&path)?;
        let address = path.to_string_lossy().into_owned();
        Ok(Peer { address, listener: Some(listener.into()), _directory: Some(directory) })
    }

    /// Returns the address of the peer, such as `127.0.0.1:8080` or a path.
    pub fn address(&self) -> &str {
        &self.address
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
        let (socket, _) = listener.accept().or_broken("a connection accepted")?;
        let link = Link::socket(socket).or_broken("a nonblocking socket")?;
        Ok(Some(Client::over_stream(link, deadlines).receiving_anything()))
    }

    /// Closes the peer's listening socket, so that connections are refused.
    pub fn refuse(&mut self) {
        sys::between_launches(|| self.listener = None);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::deadline::until;

    #[test]
    fn a_peer_at_a_path_accepts_and_refuses() {
        let line = PeerLine { name: "origin".into(), kind: PeerKind::Unix };
        let mut peer = Peer::listen(&line).unwrap();
        let mut client = UnixStream::connect(peer.address()).unwrap();
        client.write_all(b"hello").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let limit = Duration::from_secs(10);
        let mut accepted = peer.accept(limit, Deadlines::default()).unwrap().expect("a connection");
        assert_eq!(accepted.read_to_end().unwrap(), b"hello");
        let path = peer.address().to_owned();
        peer.refuse();
        // A process that another test forks may hold the listener until it executes its program.
        let is_refused = until(limit, || Ok(UnixStream::connect(&path).is_err().then_some(()))).unwrap();
        assert!(is_refused.is_some());
        drop(peer);
        assert!(!std::path::Path::new(&path).exists());
    }
}

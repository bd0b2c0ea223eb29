//! TCP clients and the other side of their connections.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags};
use nix::unistd::Pid;
use socket2::Socket;

use super::launch::{launch_failed, program_path};
use crate::check::{self, Finding, OrFinding};
use crate::deadline::{Deadlines, WaitOutcome, wait};
use crate::server::Instance;
use crate::transport::{Client, Link, pipe_pair};

/// The program of a [`TcpClient`].
pub const TCP_CLIENT: &str = "echo-tcp-client";

/// A TCP client in a process of its own. It sends its standard input to the server, and writes the answer to its
/// standard output.
pub struct TcpClient {
    // Dropped first: the process exits at the end of its input.
    /// The client's end of two pipes: it writes to the standard input of the process, and reads its standard output.
    pub stdio: Client,
    /// The process that runs the TCP client.
    pub instance: Instance,
}

impl TcpClient {
    /// Launches a TCP client of `server`. It connects from `source`, or from an address that the kernel chooses.
    pub fn launch(
        server: SocketAddr,
        source: Option<SocketAddr>,
        deadlines: Deadlines,
    ) -> check::Result<TcpClient> {
        TcpClient::launch_with(&[], server, source, deadlines)
    }

    /// Launches the TCP client by way of another command, such as a tracer.
    pub fn launch_with(
        prefix: &[OsString],
        server: SocketAddr,
        source: Option<SocketAddr>,
        deadlines: Deadlines,
    ) -> check::Result<TcpClient> {
        let (link, input, output) = pipe_pair().or_broken("two pipes")?;
        let program = [program_path(TCP_CLIENT)?.into_os_string()].into_iter();
        let addresses = [Some(server), source].into_iter().flatten();
        let command = program.chain(addresses.map(|address| address.to_string().into()));
        let instance =
            Instance::start(prefix.iter().cloned().chain(command), [Some(input), Some(output), None])
                .map_err(|error| launch_failed(TCP_CLIENT, &error))?;
        Ok(TcpClient { stdio: Client::over_stream(link, deadlines), instance })
    }

    /// Returns the process id of the TCP client.
    pub fn pid(&self) -> Pid {
        self.instance.pid()
    }
}

/// Creates a listening socket of this process, for a demo that is the server itself.
pub fn listen() -> check::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listener = listener.or_broken("a listening socket")?;
    let address = listener.local_addr().or_broken("its address")?;
    Ok((listener, address))
}

/// Waits for the next connection of `listener` and accepts it.
pub fn accept(listener: &TcpListener, deadlines: Deadlines) -> check::Result<Client> {
    let mut interest = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    if wait(&mut interest, deadlines.no_progress())? == WaitOutcome::Elapsed {
        return Err(Finding::timeout("a client", "no client connected"));
    }
    let accepted = listener.accept().and_then(|(connection, _)| Link::socket(Socket::from(connection)));
    let link = accepted.or_broken("an accepted connection")?;
    Ok(Client::over_stream(link, deadlines))
}

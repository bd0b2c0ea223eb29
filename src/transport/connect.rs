//! How a client connects: the options that a check can choose, and what a transport is given.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::Address;

/// Options of a client's connection to a server. The default suits every check that is not about them.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// The address that the client connects to, if it is not the server's own.
    pub address: Option<Address>,
    /// The client's own address. With port 0 the system chooses the port.
    pub source: Option<SocketAddr>,
    /// The size in bytes of the client's receive buffer, set before connecting. On loopback, a size below 64 KiB leads
    /// to zero-window probes.
    ///
    /// Do not set it for a client that reads nothing for long. Linux lets a buffer of the default size grow to hold
    /// what its window has promised, but drops what does not fit into a buffer of fixed size, and with it the
    /// acknowledgements in the same packets. Such a client then never learns that the server has room again.
    pub receive_buffer: Option<usize>,
    /// The size in bytes of the largest segment that a TCP client receives, set before connecting: `TCP_MAXSEG`,
    /// tcp(7). Linux sizes the server's send buffer by it, so with small segments a client that reads nothing stalls
    /// the server sooner.
    pub segment_size: Option<u32>,
    /// The name to which a Unix datagram client is bound, so that the server can send its answers there.
    pub name: ClientName,
    /// Whether a Unix datagram client stays unconnected. On Linux, the limit of the client's queue then holds for the
    /// server too; a server is exempt from it if the client is connected to the server.
    pub unconnected: bool,
    /// The time that the client waits for the connection, if it is not the deadline for progress.
    pub timeout: Option<Duration>,
}

/// The name to which a Unix datagram client binds its socket: unix(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientName {
    /// The client binds its socket to a file in the server's directory.
    #[default]
    File,
    /// The client binds its socket to an abstract name (Linux).
    Abstract,
    /// The client binds its socket to an abstract name that the kernel chooses (Linux).
    Autobound,
    /// The client does not bind its socket to a name, so the server cannot reply.
    Unnamed,
}

impl ConnectOptions {
    /// Returns options with which a client connects to `address` instead of the server's own.
    #[must_use]
    pub fn to(address: Address) -> ConnectOptions {
        ConnectOptions { address: Some(address), ..ConnectOptions::default() }
    }

    /// Returns options with which a client connects from its own address `source`.
    #[must_use]
    pub fn from_source(source: SocketAddr) -> ConnectOptions {
        ConnectOptions { source: Some(source), ..ConnectOptions::default() }
    }
}

/// The values that a transport needs to connect one client to a server.
#[derive(Debug)]
pub(crate) struct ConnectRequest<'a> {
    pub address: &'a Address,
    pub options: &'a ConnectOptions,
    /// The directory in which the client makes the files that it must bind.
    pub scratch: &'a Path,
    /// The number of the client, which no other client of this server has.
    pub number: u64,
    pub timeout: Duration,
}

impl ConnectRequest<'_> {
    /// Sets the options of the client's `socket` that must be set before it connects.
    pub fn set_socket_options(&self, socket: &Socket) -> io::Result<()> {
        self.options.receive_buffer.map_or(Ok(()), |bytes| socket.set_recv_buffer_size(bytes))
    }
}

/// Returns a TCP socket for connections to `address`, with the client's own address and segment size set.
pub(super) fn tcp_socket(address: SocketAddr, options: &ConnectOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if let Some(size) = options.segment_size {
        socket.set_tcp_mss(size)?;
    }
    if let Some(source) = options.source {
        // A port that the check has chosen may be in TIME_WAIT. A port that the system chooses must be fresh.
        socket.set_reuse_address(source.port() != 0)?;
        socket.bind(&source.into())?;
    }
    // Checks send small pieces and wait for each: Nagle's algorithm would only delay them.
    socket.set_tcp_nodelay(true)?;
    Ok(socket)
}

/// Connects `socket` to `address` and waits at most `timeout` for the connection.
///
/// A Unix domain socket has no handshake to poll for. If the backlog is full, Linux returns EAGAIN and macOS
/// ECONNREFUSED, so the send timeout of a blocking connect is the limit (socket(7)).
pub(super) fn connect_within(socket: &Socket, address: &SockAddr, timeout: Duration) -> io::Result<()> {
    if address.is_unix() {
        socket.set_write_timeout(Some(timeout))?;
        socket.connect(address).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            _ => error,
        })
    } else {
        socket.connect_timeout(address, timeout)
    }
}

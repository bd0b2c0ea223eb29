//! Socket and pipe options of a comparison.

use std::io;
use std::os::fd::AsFd;

use socket2::{Domain, Socket, Type};

use crate::sys;

/// Socket and pipe options that change a mechanism's figures. A mechanism ignores the options that it does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tuning {
    /// Whether to set `TCP_NODELAY`. If it is not set, Nagle's algorithm (RFC 896) delays small segments.
    pub nodelay: bool,
    /// The name of the congestion control algorithm: `TCP_CONGESTION`, tcp(7). `None` leaves the system's default.
    pub congestion: Option<String>,
    /// The size of a socket's buffers in bytes: `SO_SNDBUF` and `SO_RCVBUF`. `None` leaves the system's default.
    pub socket_buffer: Option<usize>,
    /// The capacity of a pipe in bytes: `F_SETPIPE_SZ`. `None` leaves the system's default.
    pub pipe_size: Option<usize>,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning { nodelay: true, congestion: None, socket_buffer: None, pipe_size: None }
    }
}

impl Tuning {
    /// Verifies that this system can set every option, by setting them on a socket and a pipe of this process.
    ///
    /// # Errors
    /// The option that cannot be set, and what to do.
    pub fn verify(&self) -> Result<(), String> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).map_err(|error| error.to_string())?;
        self.apply_to_tcp(&socket).map_err(|error| match (&self.congestion, error.kind()) {
            (Some(name), io::ErrorKind::NotFound) => format!(
                "the kernel has no congestion control '{name}'; net.ipv4.tcp_available_congestion_control lists them"
            ),
            (Some(name), _) => format!("cannot set congestion control '{name}': {error}"),
            (None, _) => format!("cannot set the options of a TCP socket: {error}"),
        })?;
        let (end, _other) = os_pipe::pipe().map_err(|error| error.to_string())?;
        self.apply_to_pipe(&end).map_err(|error| {
            let wanted = self.pipe_size.unwrap_or_default();
            format!("cannot set a pipe to {wanted} bytes: {error}; /proc/sys/fs/pipe-max-size is the maximum")
        })
    }

    /// Sets the buffer sizes of a socket that is not yet connected.
    pub(super) fn apply_to_socket(&self, socket: &Socket) -> io::Result<()> {
        if let Some(bytes) = self.socket_buffer {
            socket.set_send_buffer_size(bytes)?;
            socket.set_recv_buffer_size(bytes)?;
        }
        Ok(())
    }

    /// Sets the options of a TCP socket that is not yet connected.
    pub(super) fn apply_to_tcp(&self, socket: &Socket) -> io::Result<()> {
        self.apply_to_socket(socket)?;
        socket.set_tcp_nodelay(self.nodelay)?;
        self.congestion.as_deref().map_or(Ok(()), |name| sys::set_congestion_control(socket.as_fd(), name))
    }

    /// Sets the capacity of a pipe, if the tuning options include one.
    pub(super) fn apply_to_pipe(&self, end: impl AsFd) -> io::Result<()> {
        self.pipe_size.map_or(Ok(()), |bytes| sys::set_pipe_capacity(end.as_fd(), bytes))
    }
}

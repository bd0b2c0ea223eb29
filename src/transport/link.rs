//! The client's end of a connection: one socket, or two pipes.

use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, recvfrom, sendmsg};
use socket2::{SockAddr, Socket};

use crate::sys;

/// A client's nonblocking end of a connection. Reads and writes return `WouldBlock` instead of waiting.
#[derive(Debug)]
pub enum Link {
    /// The link is a connected socket.
    Socket(Socket),
    /// The link is a socket that is relayed to a mechanism without sockets, and the length in bytes of that mechanism's
    /// largest message.
    Relayed(Socket, usize),
    /// The link is a datagram socket that sends to this peer and receives from any peer.
    Unconnected(Socket, SockAddr),
    /// The link is two pipes that form one connection, one for each direction.
    Pipes {
        /// The pipe that the client writes to; `None` once it is closed.
        to: Option<File>,
        /// The pipe that the client reads from.
        from: File,
    },
}

impl Link {
    /// Returns a link over a connected socket.
    pub(crate) fn socket(socket: Socket) -> io::Result<Link> {
        socket.set_nonblocking(true)?;
        Ok(Link::Socket(socket))
    }

    /// Returns a link over a datagram socket that sends to `peer`.
    pub(crate) fn unconnected(socket: Socket, peer: SockAddr) -> io::Result<Link> {
        socket.set_nonblocking(true)?;
        Ok(Link::Unconnected(socket, peer))
    }

    /// Returns a link over the client's ends of two pipes. `O_NONBLOCK` belongs to the open file description (open(2)),
    /// so the server's ends are not affected.
    pub(crate) fn pipes(to: File, from: File) -> io::Result<Link> {
        for end in [&to, &from] {
            let flags = OFlag::from_bits_retain(fcntl(end, FcntlArg::F_GETFL)?);
            fcntl(end, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        }
        Ok(Link::Pipes { to: Some(to), from })
    }

    /// Returns the link with the length of its messages limited to `largest`, the maximum of the mechanism behind a
    /// relay.
    pub(crate) fn limited_to(self, largest: usize) -> Link {
        match self {
            Link::Socket(socket) => Link::Relayed(socket, largest),
            other => other,
        }
    }

    /// Returns the length of the largest message in bytes, if the link is relayed to another mechanism.
    #[must_use]
    pub fn largest(&self) -> Option<usize> {
        if let Link::Relayed(_, largest) = self { Some(*largest) } else { None }
    }

    /// Returns the descriptor to poll before reading from the link.
    #[must_use]
    pub fn input_descriptor(&self) -> BorrowedFd<'_> {
        match self {
            Link::Socket(socket) | Link::Relayed(socket, _) | Link::Unconnected(socket, _) => socket.as_fd(),
            Link::Pipes { from, .. } => from.as_fd(),
        }
    }

    /// Returns the descriptor to poll before writing to the link; `None` once it is closed.
    #[must_use]
    pub fn output_descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Link::Socket(socket) | Link::Relayed(socket, _) | Link::Unconnected(socket, _) => {
                Some(socket.as_fd())
            }
            Link::Pipes { to, .. } => to.as_ref().map(AsFd::as_fd),
        }
    }

    /// Returns the link's socket, if the link has one.
    #[must_use]
    pub fn as_socket(&self) -> Option<&Socket> {
        match self {
            Link::Socket(socket) | Link::Relayed(socket, _) | Link::Unconnected(socket, _) => Some(socket),
            Link::Pipes { .. } => None,
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_once(bytes).map_err(as_reset)
    }

    fn write_once(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Link::Relayed(_, largest) if bytes.len() > *largest => Err(io::ErrorKind::InvalidInput.into()),
            Link::Socket(socket) | Link::Relayed(socket, _) => socket.send(bytes),
            Link::Unconnected(socket, peer) => socket.send_to(bytes, peer),
            Link::Pipes { to: Some(to), .. } => to.write(bytes),
            Link::Pipes { to: None, .. } => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    pub(crate) fn send_urgent(&mut self, byte: u8) -> io::Result<()> {
        let socket = self.as_socket().ok_or(io::ErrorKind::Unsupported)?;
        socket.send_out_of_band(&[byte]).map(drop)
    }

    /// Sends `bytes` over the link with `descriptor` attached. The message must be small enough to be sent at once.
    pub(crate) fn send_with_descriptor(
        &mut self,
        bytes: &[u8],
        descriptor: BorrowedFd<'_>,
    ) -> io::Result<()> {
        let socket = self.as_socket().ok_or(io::ErrorKind::Unsupported)?;
        let rights = [descriptor.as_raw_fd()];
        let attached = [ControlMessage::ScmRights(&rights)];
        let text = [IoSlice::new(bytes)];
        sendmsg::<()>(socket.as_raw_fd(), &text, &attached, MsgFlags::empty(), None)?;
        Ok(())
    }

    /// Sends `bytes` as datagrams of `size` bytes with one system call: `UDP_SEGMENT`, udp(7).
    pub(crate) fn send_segments(&mut self, bytes: &[u8], size: usize) -> io::Result<()> {
        let Link::Unconnected(socket, peer) = self else { return Err(io::ErrorKind::Unsupported.into()) };
        let peer = peer.as_socket().ok_or(io::ErrorKind::Unsupported)?;
        sys::send_segments(socket.as_fd(), peer, bytes, size)
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Link::Socket(socket) | Link::Relayed(socket, _) | Link::Unconnected(socket, _) => {
                (&*socket).read(buffer)
            }
            // Linux: no process has the other end of this pseudo-terminal open any more.
            Link::Pipes { from, .. } => match from.read(buffer) {
                Err(error) if error.raw_os_error() == Some(nix::libc::EIO) => Ok(0),
                result => result,
            },
        }
    }

    /// Receives one message from the link, and the IP address of the message's sender if it has one.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Option<SocketAddr>)> {
        let (length, sender) = recvfrom::<SockaddrStorage>(self.input_descriptor().as_raw_fd(), buffer)?;
        Ok((length, sender.as_ref().and_then(ip_address)))
    }

    /// Ends the client's direction of the connection: the server receives FIN over TCP, and end of file from a pipe.
    pub(crate) fn shut_down_write(&mut self) -> io::Result<()> {
        match self {
            Link::Socket(socket) | Link::Relayed(socket, _) | Link::Unconnected(socket, _) => {
                match socket.shutdown(Shutdown::Write) {
                    // The peer has closed already, so there is nothing left to end.
                    Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
                    other => other,
                }
            }
            Link::Pipes { to, .. } => {
                // A process that is launched meanwhile would hold a copy, so that the server reads the end too late.
                sys::between_launches(|| drop(to.take()));
                Ok(())
            }
        }
    }

    /// Closes the pipe that the client reads from, so that the server's next write fails with EPIPE (pipe(7)).
    /// /dev/null, which is always at end of file, takes its place.
    pub(crate) fn close_reader(&mut self) -> io::Result<()> {
        let Link::Pipes { from, .. } = self else { return Err(io::ErrorKind::Unsupported.into()) };
        let closed = std::mem::replace(from, File::open("/dev/null")?);
        sys::between_launches(|| drop(closed));
        Ok(())
    }

    /// Closes a TCP connection at once, with RST instead of FIN: a linger time of zero, socket(7).
    pub(crate) fn reset(self) -> io::Result<()> {
        if let Link::Socket(socket) = &self {
            match socket.set_linger(Some(Duration::ZERO)) {
                // macOS: the connection has ended in both directions, so that there is nothing left to reset.
                Err(error) if error.raw_os_error() == Some(nix::libc::EINVAL) => {}
                other => other?,
            }
        }
        sys::between_launches(|| drop(self));
        Ok(())
    }
}

/// Converts the error EPROTOTYPE to a reset: macOS returns it from write(2) while it tears a connection down.
fn as_reset(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(nix::libc::EPROTOTYPE) => io::ErrorKind::ConnectionReset.into(),
        _ => error,
    }
}

fn ip_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|&address| SocketAddrV4::from(address).into());
    v4.or_else(|| address.as_sockaddr_in6().map(|&address| SocketAddrV6::from(address).into()))
}

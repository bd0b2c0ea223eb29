//! Sockets: the kernel's socket tables (proc_pid_net(5)), socket(7), tcp(7), unix(7).

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixDatagram};
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    ControlMessage, MsgFlags, SockaddrStorage, UnixAddr, bind, getsockopt, sendmsg, setsockopt, sockopt,
};
use nix::unistd::{Gid, Pid, Uid};
use procfs::FromBufReadSI;
use procfs::net::{TcpNetEntries, TcpNetEntry, UdpNetEntry, UdpState};

use super::process::to_io;
use super::sock_diag;
use super::unix_sockets::{UnixSocket, unix_sockets};
use crate::sys::types::network::accepts_packets_to;
use crate::sys::types::{
    AcceptQueue, PeerCredentials, Socket, SocketAddress, SocketName, TcpQueues, TcpState,
};
use crate::sys::unsupported::unsupported;

/// Returns every socket of this network namespace by its inode number.
pub fn all_sockets() -> HashMap<u64, Socket> {
    let tcp = tcp_sockets_of_processes().into_iter().map(|(id, local, remote, state)| Socket {
        id,
        listening: state == TcpState::Listen,
        name: SocketName::Tcp(local, remote),
    });
    let udp = udp_entries().map(|entry| Socket {
        id: entry.inode,
        listening: entry.state == UdpState::Close,
        name: SocketName::Udp(canonical(entry.local_address), canonical(entry.remote_address)),
    });
    let unix = unix_sockets().unwrap_or_default().into_iter().map(|entry| Socket {
        id: entry.inode,
        listening: entry.listening || entry.datagram && entry.path.is_some(),
        name: SocketName::Unix(entry.path),
    });
    tcp.chain(udp).chain(unix).map(|socket| (socket.id, socket)).collect()
}

/// Returns the id, the addresses and the state of each TCP socket. Sockets in TIME_WAIT, which no process holds, may be
/// missing.
fn tcp_sockets_of_processes() -> Vec<(u64, SocketAddr, SocketAddr, TcpState)> {
    if let Ok(entries) = sock_diag::all_tcp_sockets() {
        return entries.into_iter().map(|it| (it.id, it.local, it.remote, it.state)).collect();
    }
    let listed = |entry: TcpNetEntry| {
        let (local, remote) = (canonical(entry.local_address), canonical(entry.remote_address));
        (entry.inode, local, remote, to_tcp_state(entry.state))
    };
    tcp_entries().into_iter().flatten().map(listed).collect()
}

fn udp_entries() -> impl Iterator<Item = UdpNetEntry> {
    procfs::net::udp().into_iter().flatten().chain(procfs::net::udp6().into_iter().flatten())
}

/// Converts an IPv4-mapped address to IPv4. A dual-stack socket shows an IPv4 peer as `::ffff:127.0.0.1`.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Returns whether a socket is bound at `address`, and listens if it is a TCP or Unix stream socket. A socket bound
/// to the wildcard address counts. `holders` is not called: the kernel has a table of all sockets.
///
/// # Errors
/// Those of reading `/proc/net`.
pub fn is_listening(address: SocketAddress<'_>, _holders: &dyn Fn() -> Vec<Pid>) -> io::Result<bool> {
    Ok(socket_id_at(address)?.is_some())
}

/// Returns the id of the socket that is bound at `address`, and listens if it is a TCP or Unix stream socket: the one
/// that [`is_listening`] finds.
///
/// # Errors
/// Those of reading `/proc/net`.
pub fn socket_id_at(address: SocketAddress<'_>) -> io::Result<Option<u64>> {
    Ok(match address {
        SocketAddress::Tcp(address) => sock_diag::listener_id(address).or_else(|_| listed_id(address))?,
        SocketAddress::Udp(address) => udp_entries()
            .find(|entry| accepts_packets_to(canonical(entry.local_address), address))
            .map(|entry| entry.inode),
        SocketAddress::Unix(path) => {
            let is_there = |entry: &UnixSocket| {
                entry.path.as_deref() == Some(path) && (entry.listening || entry.datagram)
            };
            match unix_sockets()?.into_iter().find(is_there) {
                Some(entry) => Some(entry.inode),
                None => id_of_file(path),
            }
        }
    })
}

/// Returns the id of the socket whose file is now at `path`. The kernel shows the name that bind(2) was given: a relative
/// one, or the one that the file had before rename(2).
fn id_of_file(path: &Path) -> Option<u64> {
    let file = path.symlink_metadata().ok().filter(|file| file.file_type().is_socket())?;
    sock_diag::unix_socket_of_file(&file).ok().flatten()
}

/// Returns the id of the TCP socket that listens at `address`, according to `/proc/net`.
fn listed_id(address: SocketAddr) -> io::Result<Option<u64>> {
    let accepts = |entry: &TcpNetEntry| accepts_packets_to(canonical(entry.local_address), address);
    Ok(listeners()?.into_iter().find(accepts).map(|entry| entry.inode))
}

/// Reads the listening TCP sockets from the kernel's table. The kernel lists them first, so thousands of lines in
/// TIME_WAIT are not read.
fn listeners() -> io::Result<Vec<TcpNetEntry>> {
    let mut found = listening_lines("/proc/net/tcp")?;
    // The file is missing if the kernel has no IPv6.
    found.extend(listening_lines("/proc/net/tcp6").unwrap_or_default());
    Ok(found)
}

fn listening_lines(table: &str) -> io::Result<Vec<TcpNetEntry>> {
    const LISTEN: &str = "0A";
    let mut kept = String::new();
    for (number, line) in BufReader::new(File::open(table)?).lines().enumerate() {
        let line = line?;
        if number > 0 && line.split_whitespace().nth(3) != Some(LISTEN) {
            break;
        }
        kept.push_str(&line);
        kept.push('\n');
    }
    TcpNetEntries::from_buf_read(Cursor::new(kept), procfs::current_system_info())
        .map(|entries| entries.0)
        .map_err(to_io)
}

fn tcp_entries() -> io::Result<impl Iterator<Item = TcpNetEntry>> {
    Ok(procfs::net::tcp().map_err(to_io)?.into_iter().chain(procfs::net::tcp6().unwrap_or_default()))
}

/// Lists the TCP sockets whose local port is `port`: local address, remote address, state. Includes connections without
/// a process, such as those in TIME_WAIT.
///
/// # Errors
/// Those of reading `/proc/net`.
pub fn tcp_sockets(port: u16) -> io::Result<Vec<(SocketAddr, SocketAddr, TcpState)>> {
    if let Ok(entries) = sock_diag::tcp_sockets_of_port(port) {
        return Ok(entries.into_iter().map(|it| (it.local, it.remote, it.state)).collect());
    }
    Ok(tcp_entries()?
        .filter(|entry| entry.local_address.port() == port)
        .map(|entry| {
            (canonical(entry.local_address), canonical(entry.remote_address), to_tcp_state(entry.state))
        })
        .collect())
}

/// Returns the state of the TCP socket at `local` that is connected to `remote`. `None` if there is no such socket.
///
/// # Errors
/// Those of reading `/proc/net`.
pub fn tcp_state(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<TcpState>> {
    if let Ok(state) = sock_diag::tcp_state(local, remote) {
        return Ok(state);
    }
    let is_at_ends =
        |(here, there, _): &(SocketAddr, SocketAddr, TcpState)| *here == local && *there == remote;
    Ok(tcp_sockets(local.port())?.into_iter().find(is_at_ends).map(|(.., state)| state))
}

fn to_tcp_state(state: procfs::net::TcpState) -> TcpState {
    use procfs::net::TcpState as Listed;
    match state {
        Listed::Listen => TcpState::Listen,
        Listed::SynSent => TcpState::SynSent,
        Listed::SynRecv | Listed::NewSynRecv => TcpState::SynReceived,
        Listed::Established => TcpState::Established,
        Listed::FinWait1 => TcpState::FinWait1,
        Listed::FinWait2 => TcpState::FinWait2,
        Listed::CloseWait => TcpState::CloseWait,
        Listed::LastAck => TcpState::LastAck,
        Listed::Closing => TcpState::Closing,
        Listed::TimeWait => TcpState::TimeWait,
        Listed::Close => TcpState::Closed,
    }
}

/// Returns the queues of the TCP socket at `local` that is connected to `remote`. `None` if there is no such socket.
///
/// # Errors
/// Those of reading `/proc/net`.
pub fn tcp_queues(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<TcpQueues>> {
    if let Ok(queues) = sock_diag::tcp_queues(local, remote) {
        return Ok(queues);
    }
    let mut sockets = tcp_entries()?
        .filter(|entry| canonical(entry.local_address) == local && canonical(entry.remote_address) == remote);
    let queues = |entry: TcpNetEntry| TcpQueues {
        unacknowledged: entry.tx_queue as usize,
        unread: entry.rx_queue as usize,
    };
    Ok(sockets.next().map(queues))
}

/// Returns the queue of connections that wait for accept(2) at the TCP socket that listens at `address`, or at the
/// wildcard address. `None` if there is no such socket. Of several sockets with `SO_REUSEPORT` it is the queue of one.
///
/// # Errors
/// `Unsupported` if the kernel was built without `CONFIG_INET_DIAG`.
pub fn accept_queue(address: SocketAddr) -> io::Result<Option<AcceptQueue>> {
    sock_diag::accept_queue(address)
}

/// Returns how many bytes the TCP socket at `from` has taken from its program and the one at `to` has not received. This
/// count is right at once; that of [`unacknowledged_bytes`] is late by up to 40 ms, for which a receiver delays its
/// acknowledgement. `None` if one of the two sockets is not on this machine or no longer open, and before Linux 4.19.
///
/// # Errors
/// `Unsupported` if the kernel was built without `CONFIG_INET_DIAG`.
pub fn tcp_bytes_in_flight(from: SocketAddr, to: SocketAddr) -> io::Result<Option<u64>> {
    sock_diag::tcp_bytes_in_flight(from, to)
}

nix::ioctl_read_bad!(tiocoutq, libc::TIOCOUTQ, libc::c_int);

/// Returns how many bytes sent on `socket` its peer has not acknowledged yet: `SIOCOUTQ`, tcp(7).
///
/// # Errors
/// Those of ioctl(2).
#[expect(unsafe_code, reason = "ioctl(2) is untyped")]
pub fn unacknowledged_bytes(socket: BorrowedFd<'_>) -> io::Result<usize> {
    let mut bytes = 0;
    // SAFETY: the ioctl writes one int, and `bytes` is one.
    unsafe { tiocoutq(socket.as_raw_fd(), &raw mut bytes) }?;
    usize::try_from(bytes).map_err(io::Error::other)
}

/// Makes the kernel acknowledge the next segments on a TCP socket without delay: `TCP_QUICKACK`, tcp(7). The option
/// does not last.
///
/// # Errors
/// Those of setsockopt(2).
pub fn enable_quick_ack(socket: BorrowedFd<'_>) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_tcp_quickack(socket, true)?)
}

/// Returns the number of datagrams that a Unix domain socket queues: `net.unix.max_dgram_qlen`.
///
/// # Errors
/// Those of reading `/proc/sys`.
pub fn datagram_queue_length() -> io::Result<usize> {
    let text = fs::read_to_string("/proc/sys/net/unix/max_dgram_qlen")?;
    text.trim().parse().map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Sends `bytes` as datagrams of `size` bytes to `peer`, with one system call: `UDP_SEGMENT`, udp(7).
///
/// # Errors
/// `Unsupported` if the kernel or the interface cannot split them.
pub fn send_segments(socket: BorrowedFd<'_>, peer: SocketAddr, bytes: &[u8], size: usize) -> io::Result<()> {
    let size = u16::try_from(size).map_err(|_| io::ErrorKind::InvalidInput)?;
    let (text, segments) = ([IoSlice::new(bytes)], [ControlMessage::UdpGsoSegments(&size)]);
    let peer = SockaddrStorage::from(peer);
    let sent = sendmsg(socket.as_raw_fd(), &text, &segments, MsgFlags::empty(), Some(&peer));
    match sent {
        // A kernel before 4.18 does not know the option, and an interface may have no checksum offload.
        Err(Errno::EINVAL | Errno::EIO | Errno::ENOPROTOOPT) => {
            unsupported("the kernel or the interface does not split a message: UDP_SEGMENT")
        }
        other => Ok(other.map(drop)?),
    }
}

/// Sets the congestion control algorithm of a TCP socket: `TCP_CONGESTION`, tcp(7).
///
/// # Errors
/// `NotFound` if the kernel has no algorithm called `name`.
pub fn set_congestion_control(socket: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    Ok(setsockopt(&socket, sockopt::TcpCongestion, &OsString::from(name))?)
}

/// Returns the process that connected `socket`, a Unix domain stream socket: `SO_PEERCRED`, unix(7).
///
/// # Errors
/// Those of getsockopt(2).
pub fn peer_credentials(socket: BorrowedFd<'_>) -> io::Result<PeerCredentials> {
    let found = getsockopt(&socket, sockopt::PeerCredentials)?;
    // The kernel gives 0 for a process outside this PID namespace.
    let pid = Some(found.pid()).filter(|&pid| pid > 0).map(Pid::from_raw);
    Ok(PeerCredentials { pid, uid: Uid::from_raw(found.uid()), gid: Gid::from_raw(found.gid()) })
}

/// Binds a Unix domain socket to a name that the kernel chooses: unix(7), "Autobind feature".
///
/// # Errors
/// Those of bind(2).
pub fn bind_to_chosen_name(socket: BorrowedFd<'_>) -> io::Result<()> {
    // An address of the family alone makes the kernel choose a name.
    Ok(bind(socket.as_raw_fd(), &UnixAddr::new_unnamed())?)
}

/// Reserves `name` among the processes of this machine until the returned descriptor is closed. It is an abstract
/// address of unix(7), so a killed process leaves nothing behind.
///
/// # Errors
/// `AddrInUse` if another process has reserved it.
pub fn claim_abstract_name(name: &str) -> io::Result<Option<OwnedFd>> {
    let address = UnixAddress::from_abstract_name(name)?;
    Ok(Some(UnixDatagram::bind_addr(&address)?.into()))
}

//! Connections between Unix domain sockets, and TCP connections of one port: sock_diag(7), netlink(7).
//!
//! `/proc/net/unix` does not contain the former. `/proc/net/tcp` contains the latter among thousands of others. Two fixed
//! requests are sent, so this file parses the bytes itself. The crates for this protocol have seven further dependencies.

use std::collections::HashMap;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use nix::libc::{
    AF_INET, AF_INET6, AF_UNIX, IPPROTO_TCP, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR,
};
use socket2::{Domain, Protocol, Socket, Type};

use crate::sys::types::{AcceptQueue, Peer, TcpQueues};
use crate::sys::unsupported::unsupported;

// From `<linux/sock_diag.h>` and `<linux/unix_diag.h>`.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const UDIAG_SHOW_PEER: u32 = 4;
const UNIX_DIAG_PEER: u16 = 2;
const UNIX_DIAG_SHUTDOWN: u16 = 6;

/// The size of `struct nlmsghdr`, the header of each netlink message.
const HEADER: usize = 16;
/// The size of `struct unix_diag_req`, a request for Unix domain sockets.
const REQUEST: usize = 24;
/// The size of `struct inet_diag_req_v2`, a request for TCP sockets.
const TCP_REQUEST: usize = 56;
/// The size of `struct unix_diag_msg`, the description of a Unix domain socket.
const MESSAGE: usize = 16;

/// Returns the peer of each connected Unix domain socket, by the socket's inode number.
///
/// # Errors
/// `Unsupported` if the kernel was built without `CONFIG_UNIX_DIAG`.
pub fn unix_peers() -> io::Result<HashMap<u64, Peer>> {
    let mut peers = HashMap::new();
    dump(&request(), |body| peers.extend(inode_and_peer(body)))?;
    Ok(peers)
}

/// Returns the number of unread bytes in each established TCP socket whose local port is `port`, by the address of the
/// socket's peer.
///
/// # Errors
/// `Unsupported` if the kernel was built without `CONFIG_INET_DIAG`.
pub fn unread_tcp_bytes(port: u16) -> io::Result<HashMap<SocketAddr, usize>> {
    let mut unread = HashMap::new();
    dump(&tcp_request(AF_INET, port), |body| unread.extend(peer_and_unread(body)))?;
    // A kernel may have no IPv6.
    let _ = dump(&tcp_request(AF_INET6, port), |body| unread.extend(peer_and_unread(body)));
    Ok(unread)
}

/// Returns the queues of the TCP socket at `local` that is connected to `remote`. `None` if there is no such socket.
///
/// The kernel looks this one socket up, however many others there are.
///
/// # Errors
/// `Unsupported` if the kernel was built without `CONFIG_INET_DIAG`.
pub fn tcp_queues(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<TcpQueues>> {
    let found = find_tcp_socket(local, remote)?;
    // A listening socket is found where no connected one is.
    let connected = found.and_then(|body| peer_and_queues(&body)).filter(|(peer, _)| *peer == remote);
    Ok(connected.map(|(_, queues)| queues))
}

/// Returns the queue of connections that wait for accept(2) at the TCP socket that listens at `address`. `None` if
/// there is no such socket.
///
/// # Errors
/// `Unsupported` if the kernel was built without `CONFIG_INET_DIAG`.
pub fn accept_queue(address: SocketAddr) -> io::Result<Option<AcceptQueue>> {
    const LISTEN: u8 = 10;
    let nobody = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let listens = |body: &Vec<u8>| body.get(1) == Some(&LISTEN);
    let found = find_tcp_socket(address, nobody)?.filter(listens);
    // Of a listening socket, these fields hold the length of the queue and its limit.
    let queue = found.and_then(|body| peer_and_queues(&body));
    Ok(queue.map(|(_, queues)| AcceptQueue { waiting: queues.unread, limit: queues.unacknowledged }))
}

/// Returns the `struct inet_diag_msg` of the TCP socket at `local` that is connected to `remote`, or of the one that
/// would accept that connection.
fn find_tcp_socket(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<Vec<u8>>> {
    let mut socket = diag_socket()?;
    socket.send(&connection_request(local, remote))?;
    let mut buffer = [0; 1024];
    let length = socket.read(&mut buffer)?;
    match next_message(&buffer[..length]) {
        Some((kind, body, _)) if i32::from(kind) == NLMSG_ERROR => match number(body) {
            Some(error) if error.cast_signed() == -nix::libc::ENOENT => Ok(None),
            _ => unsupported("the kernel shows no queues: it may lack CONFIG_INET_DIAG"),
        },
        Some((_, body, _)) => Ok(Some(body.to_vec())),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn diag_socket() -> io::Result<Socket> {
    let protocol = Protocol::from(nix::libc::NETLINK_SOCK_DIAG);
    Socket::new(Domain::from(nix::libc::AF_NETLINK), Type::DGRAM, Some(protocol))
}

/// Sends `request` to the kernel over netlink (sock_diag(7)), and calls `take` with the body of each message of the
/// reply.
fn dump(request: &[u8], mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut socket = diag_socket()?;
    socket.send(request)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = socket.read(&mut buffer)?;
        let mut rest = &buffer[..length];
        while let Some((kind, body, next)) = next_message(rest) {
            match i32::from(kind) {
                NLMSG_DONE => return Ok(()),
                // The usual reason is a kernel without CONFIG_UNIX_DIAG or CONFIG_INET_DIAG.
                NLMSG_ERROR => return unsupported("the kernel refuses sock_diag(7)"),
                _ => take(body),
            }
            rest = next;
        }
    }
}

/// Builds the netlink header `struct nlmsghdr` with `flags` for a body of `length` bytes.
fn header(length: usize, flags: i32) -> Vec<u8> {
    let flags = u16::try_from(flags).unwrap_or_default();
    let mut message = Vec::with_capacity(HEADER + length);
    message.extend(u32::try_from(HEADER + length).unwrap_or_default().to_ne_bytes());
    message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]); // Sequence number 0; the kernel as the receiver.
    message
}

/// Builds a `struct nlmsghdr` and a `struct inet_diag_req_v2`, which asks for TCP sockets by their local port.
fn tcp_request(family: i32, port: u16) -> Vec<u8> {
    const ESTABLISHED: u32 = 1 << 1;
    const CLOSE_WAIT: u32 = 1 << 8;
    let mut message = header(TCP_REQUEST, NLM_F_REQUEST | NLM_F_DUMP);
    message.extend(tcp_prefix(family, ESTABLISHED | CLOSE_WAIT));
    message.extend(port.to_be_bytes());
    message.extend([0; 38]); // Any other port, addresses and interface.
    message.extend([0xff; 8]); // No cookie.
    message
}

/// Builds a `struct nlmsghdr` and a `struct inet_diag_req_v2`, which asks for the TCP socket of one connection.
fn connection_request(local: SocketAddr, remote: SocketAddr) -> Vec<u8> {
    let mut message = header(TCP_REQUEST, NLM_F_REQUEST);
    message.extend(tcp_prefix(if local.is_ipv4() { AF_INET } else { AF_INET6 }, u32::MAX));
    message.extend(local.port().to_be_bytes());
    message.extend(remote.port().to_be_bytes());
    message.extend(padded(local.ip()));
    message.extend(padded(remote.ip()));
    message.extend([0; 4]); // Any interface.
    message.extend([0xff; 8]); // No cookie.
    message
}

/// Builds the first fields of `struct inet_diag_req_v2`, which requests TCP sockets, with no extensions.
fn tcp_prefix(family: i32, states: u32) -> Vec<u8> {
    let byte = |number: i32| u8::try_from(number).unwrap_or_default();
    [&[byte(family), byte(IPPROTO_TCP), 0, 0], &states.to_ne_bytes()[..]].concat()
}

/// Returns an IP address as the 16 bytes with which netlink represents it.
fn padded(address: IpAddr) -> [u8; 16] {
    let mut bytes = [0; 16];
    match address {
        IpAddr::V4(address) => bytes[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => bytes = address.octets(),
    }
    bytes
}

/// Parses the peer's address and the length of the receive queue from a `struct inet_diag_msg`.
fn peer_and_unread(message: &[u8]) -> Option<(SocketAddr, usize)> {
    peer_and_queues(message).map(|(peer, queues)| (peer, queues.unread))
}

/// Parses a `struct inet_diag_msg`: four bytes, the ports, both addresses, and the lengths of both queues.
fn peer_and_queues(message: &[u8]) -> Option<(SocketAddr, TcpQueues)> {
    let family = i32::from(*message.first()?);
    let port = u16::from_be_bytes(message.get(6..8)?.try_into().ok()?);
    let address: [u8; 16] = message.get(24..40)?.try_into().ok()?;
    let address = match family {
        AF_INET => IpAddr::from(*address.first_chunk::<4>()?),
        _ => Ipv6Addr::from(address).to_canonical(),
    };
    let length = |at: usize| usize::try_from(number(message.get(at..)?)?).ok();
    let queues = TcpQueues { unread: length(56)?, unacknowledged: length(60)? };
    Some((SocketAddr::new(address, port), queues))
}

/// Builds the request for all Unix domain sockets: a `struct nlmsghdr` and a `struct unix_diag_req`.
fn request() -> Vec<u8> {
    let mut message = header(REQUEST, NLM_F_REQUEST | NLM_F_DUMP);
    message.extend([u8::try_from(AF_UNIX).unwrap_or_default(), 0, 0, 0]);
    message.extend(u32::MAX.to_ne_bytes()); // Sockets in any state
    message.extend(0_u32.to_ne_bytes()); // with any inode number.
    message.extend(UDIAG_SHOW_PEER.to_ne_bytes());
    message.extend([0xff; 8]); // No cookie.
    message
}

/// Parses a socket's inode number and its peer from a `struct unix_diag_msg` and the attributes after it.
///
/// A peer has the inode number 0 before it is accepted and after it is closed. When one end is closed, the kernel shuts
/// the other down both ways (`unix_release_sock`), which tells the two cases apart.
fn inode_and_peer(message: &[u8]) -> Option<(u64, Peer)> {
    const BOTH_WAYS: u8 = 3;
    let inode = u64::from(number(message.get(4..8)?)?);
    let (mut peer, mut shutdown) = (None, 0);
    let mut rest = message.get(MESSAGE..)?;
    while let Some((kind, body, next)) = next_attribute(rest) {
        match kind {
            UNIX_DIAG_PEER => peer = number(body),
            UNIX_DIAG_SHUTDOWN => shutdown = body.first().copied().unwrap_or_default(),
            _ => {}
        }
        rest = next;
    }
    let peer = match peer? {
        0 if shutdown == BOTH_WAYS => Peer::Closed,
        0 => Peer::NotAccepted,
        peer => Peer::UnixSocket(peer.into()),
    };
    Some((inode, peer))
}

/// Splits off the next netlink message. Returns its type, its body and the rest. The header begins with a length of 4
/// bytes and a type of 2.
fn next_message(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::try_from(number(bytes.get(..4)?)?).ok()?;
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    let next = length.next_multiple_of(4).min(bytes.len());
    Some((kind, bytes.get(HEADER..length)?, &bytes[next..]))
}

/// Splits off the next netlink attribute. Returns its type, its body and the rest. An attribute begins with a length
/// and a type of 2 bytes each.
fn next_attribute(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let half = |range: std::ops::Range<usize>| Some(u16::from_ne_bytes(bytes.get(range)?.try_into().ok()?));
    let (length, kind) = (usize::from(half(0..2)?), half(2..4)?);
    let next = length.next_multiple_of(4).min(bytes.len());
    Some((kind, bytes.get(4..length)?, &bytes[next..]))
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests;

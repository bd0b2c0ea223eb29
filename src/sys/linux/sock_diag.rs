//! Connections between Unix domain sockets: sock_diag(7), netlink(7).
//!
//! `/proc/net/unix` does not contain them. One fixed request is sent and two attributes are read, so this file parses
//! the bytes itself. The crates for this protocol have seven further dependencies.

use std::collections::HashMap;
use std::io::{self, Read};

use nix::libc::{AF_UNIX, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR};
use socket2::{Domain, Protocol, Socket, Type};

use crate::sys::types::Peer;

// From `<linux/sock_diag.h>` and `<linux/unix_diag.h>`.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const UDIAG_SHOW_PEER: u32 = 4;
const UNIX_DIAG_PEER: u16 = 2;
const UNIX_DIAG_SHUTDOWN: u16 = 6;

/// Size of `struct nlmsghdr`.
const HEADER: usize = 16;
/// Size of `struct unix_diag_req`.
const REQUEST: usize = 24;
/// Size of `struct unix_diag_msg`.
const MESSAGE: usize = 16;

/// Returns the peer of each connected Unix domain socket, by the socket's inode number.
///
/// # Errors
/// `Unsupported` if the kernel was built without `CONFIG_UNIX_DIAG`.
pub fn unix_peers() -> io::Result<HashMap<u64, Peer>> {
    let mut socket = Socket::new(
        Domain::from(nix::libc::AF_NETLINK),
        Type::DGRAM,
        Some(Protocol::from(nix::libc::NETLINK_SOCK_DIAG)),
    )?;
    socket.send(&request())?;
    let mut peers = HashMap::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = socket.read(&mut buffer)?;
        let mut rest = &buffer[..length];
        while let Some((kind, body, next)) = next_message(rest) {
            match i32::from(kind) {
                NLMSG_DONE => return Ok(peers),
                // The usual reason is a kernel without CONFIG_UNIX_DIAG.
                NLMSG_ERROR => return Err(io::ErrorKind::Unsupported.into()),
                _ => peers.extend(inode_and_peer(body)),
            }
            rest = next;
        }
    }
}

/// Builds the request: a `struct nlmsghdr` and a `struct unix_diag_req`.
fn request() -> Vec<u8> {
    let flags = u16::try_from(NLM_F_REQUEST | NLM_F_DUMP).unwrap_or_default();
    let mut message = Vec::with_capacity(HEADER + REQUEST);
    message.extend(u32::try_from(HEADER + REQUEST).unwrap_or_default().to_ne_bytes());
    message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]); // Sequence number 0; the kernel as the receiver.
    message.extend([u8::try_from(AF_UNIX).unwrap_or_default(), 0, 0, 0]);
    message.extend(u32::MAX.to_ne_bytes()); // Sockets in any state
    message.extend(0_u32.to_ne_bytes()); // with any inode number.
    message.extend(UDIAG_SHOW_PEER.to_ne_bytes());
    message.extend([0xff; 8]); // No cookie.
    message
}

/// Parses a `struct unix_diag_msg` and the attributes after it.
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

/// Splits off the next message. Returns its type, its body and the rest. The header begins with a length of 4 bytes and
/// a type of 2.
fn next_message(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::try_from(number(bytes.get(..4)?)?).ok()?;
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    let next = length.next_multiple_of(4).min(bytes.len());
    Some((kind, bytes.get(HEADER..length)?, &bytes[next..]))
}

/// Splits off the next attribute. Returns its type, its body and the rest. It begins with a length and a type of 2
/// bytes each.
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
mod tests {
    use std::os::fd::AsRawFd;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

    use super::{Peer, unix_peers};

    #[test]
    fn socketpair_ends_are_peers() {
        let (one, two) = UnixStream::pair().unwrap();
        let Ok(peers) = unix_peers() else { return testing::skip("no sock_diag(7) for Unix sockets") };
        assert_eq!(peers.get(&inode(&one)), Some(&Peer::UnixSocket(inode(&two))));
        assert_eq!(peers.get(&inode(&two)), Some(&Peer::UnixSocket(inode(&one))));
        drop(two);
        assert_eq!(unix_peers().unwrap().get(&inode(&one)), Some(&Peer::Closed));
    }

    #[test]
    fn client_in_the_backlog_is_not_accepted() {
        let name = format!("echospec-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        let client = UnixStream::connect_addr(&address).unwrap();
        let Ok(peers) = unix_peers() else { return testing::skip("no sock_diag(7) for Unix sockets") };
        assert_eq!(peers.get(&inode(&client)), Some(&Peer::NotAccepted));
        drop(listener);
    }

    fn inode(end: &UnixStream) -> u64 {
        std::fs::metadata(format!("/proc/self/fd/{}", end.as_raw_fd())).unwrap().ino()
    }
}

//! Linux: which Unix domain sockets are connected with each other. sock_diag(7), netlink(7).
//!
//! `/proc/net/unix` does not tell. The request has one fixed form and the answer two fields that matter here, so
//! they are read as they stand; the crates for this protocol bring seven others with them.

use std::collections::HashMap;
use std::io::{self, Read};

use nix::libc::{AF_UNIX, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR};
use socket2::{Domain, Protocol, Socket, Type};

use crate::sys::types::Peer;

/// `<linux/sock_diag.h>`, `<linux/unix_diag.h>`.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const UDIAG_SHOW_PEER: u32 = 4;
const UNIX_DIAG_PEER: u16 = 2;
const UNIX_DIAG_SHUTDOWN: u16 = 6;

/// `struct nlmsghdr`, and then `struct unix_diag_req` or `struct unix_diag_msg`.
const HEADER: usize = 16;
const REQUEST: usize = 24;
const MESSAGE: usize = 16;

/// The inode number of each connected socket, with its peer.
pub fn read() -> io::Result<HashMap<u64, Peer>> {
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
        while let Some((kind, body, next)) = part(rest, HEADER) {
            match i32::from(kind) {
                NLMSG_DONE => return Ok(peers),
                // CONFIG_UNIX_DIAG is absent, most likely.
                NLMSG_ERROR => return Err(io::ErrorKind::Unsupported.into()),
                _ => peers.extend(pair(body)),
            }
            rest = next;
        }
    }
}

fn request() -> Vec<u8> {
    let flags = u16::try_from(NLM_F_REQUEST | NLM_F_DUMP).unwrap_or_default();
    let mut message = Vec::with_capacity(HEADER + REQUEST);
    message.extend(u32::try_from(HEADER + REQUEST).unwrap_or_default().to_ne_bytes());
    message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]); // Sequence number, and the kernel as the addressee.
    message.extend([u8::try_from(AF_UNIX).unwrap_or_default(), 0, 0, 0]);
    message.extend(u32::MAX.to_ne_bytes()); // Sockets in any state,
    message.extend(0_u32.to_ne_bytes()); // of any inode number.
    message.extend(UDIAG_SHOW_PEER.to_ne_bytes());
    message.extend([0xff; 8]); // No cookie.
    message
}

/// The inode number in a `struct unix_diag_msg`, and the peer's in the attributes behind it.
///
/// A peer has no inode before it has been accepted, and none after it has been closed: that shuts the survivor down
/// both ways (`unix_release_sock`).
fn pair(message: &[u8]) -> Option<(u64, Peer)> {
    const BOTH_WAYS: u8 = 3;
    let inode = u64::from(number(message.get(4..8)?)?);
    let (mut peer, mut shut) = (None, 0);
    let mut rest = message.get(MESSAGE..)?;
    while let Some((kind, body, next)) = attribute(rest) {
        match kind {
            UNIX_DIAG_PEER => peer = number(body),
            UNIX_DIAG_SHUTDOWN => shut = body.first().copied().unwrap_or_default(),
            _ => {}
        }
        rest = next;
    }
    let peer = match peer? {
        0 if shut == BOTH_WAYS => Peer::Closed,
        0 => Peer::NotAccepted,
        peer => Peer::UnixSocket(peer.into()),
    };
    Some((inode, peer))
}

/// The next message: a length of 4 bytes with its header, a kind of 2.
fn part(bytes: &[u8], header: usize) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::try_from(number(bytes.get(..4)?)?).ok()?;
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    let next = length.next_multiple_of(4).min(bytes.len());
    Some((kind, bytes.get(header..length)?, &bytes[next..]))
}

/// The next attribute: length and kind of 2 bytes each.
fn attribute(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
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

    use crate::sys::types::Peer;

    #[test]
    fn both_ends_of_a_socketpair_name_each_other() {
        let (one, two) = UnixStream::pair().unwrap();
        // A kernel without CONFIG_UNIX_DIAG answers that it does not know.
        let Ok(peers) = super::read() else { return skipped::because("no sock_diag(7) for Unix sockets") };
        assert_eq!(peers.get(&inode(&one)), Some(&Peer::UnixSocket(inode(&two))));
        assert_eq!(peers.get(&inode(&two)), Some(&Peer::UnixSocket(inode(&one))));
        drop(two);
        assert_eq!(super::read().unwrap().get(&inode(&one)), Some(&Peer::Closed));
    }

    #[test]
    fn a_client_in_the_backlog_is_told_from_one_whose_peer_has_closed() {
        let name = format!("echospec-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        let client = UnixStream::connect_addr(&address).unwrap();
        let Ok(peers) = super::read() else { return skipped::because("no sock_diag(7) for Unix sockets") };
        assert_eq!(peers.get(&inode(&client)), Some(&Peer::NotAccepted));
        drop(listener);
    }

    fn inode(end: &UnixStream) -> u64 {
        std::fs::metadata(format!("/proc/self/fd/{}", end.as_raw_fd())).unwrap().ino()
    }
}

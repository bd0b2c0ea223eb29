//! Connections between Unix domain sockets: the requests and answers of `<linux/unix_diag.h>`.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;

use nix::libc::{AF_UNIX, NLM_F_DUMP, NLM_F_REQUEST};
use nix::sys::stat::{major, minor};

use super::{dump, header, next_attribute, number};
use crate::sys::types::Peer;

const UDIAG_SHOW_VFS: u32 = 2;
const UDIAG_SHOW_PEER: u32 = 4;
const UNIX_DIAG_VFS: u16 = 1;
const UNIX_DIAG_PEER: u16 = 2;
const UNIX_DIAG_SHUTDOWN: u16 = 6;

/// The size of `struct unix_diag_req`, a request for Unix domain sockets.
const REQUEST: usize = 24;
/// The size of `struct unix_diag_msg`, the description of a Unix domain socket.
const MESSAGE: usize = 16;

/// Returns the peer of each connected Unix domain socket, by the socket's inode number.
///
/// # Errors
/// `Unsupported` if the kernel was built without `CONFIG_UNIX_DIAG`.
pub fn unix_peers() -> io::Result<HashMap<u64, Peer>> {
    let mut peers = HashMap::new();
    dump(&request(UDIAG_SHOW_PEER), |body| peers.extend(inode_and_peer(body)))?;
    Ok(peers)
}

/// Returns the inode number of the socket whose file is `file`, if it listens or is a datagram socket. The file may have got
/// another name since bind(2), or bind(2) another path to it.
///
/// # Errors
/// As [`unix_peers`].
pub fn unix_socket_of_file(file: &Metadata) -> io::Result<Option<u64>> {
    let mut found = None;
    dump(&request(UDIAG_SHOW_VFS), |body| {
        if serves(body) && is_bound_to(body, file) == Some(true) {
            found = body.get(4..8).and_then(number).map(u64::from);
        }
    })?;
    Ok(found)
}

/// Whether a `struct unix_diag_msg` describes a socket that listens, or one of datagrams: its bytes are the family, the type
/// and the state.
fn serves(message: &[u8]) -> bool {
    const SOCK_DGRAM: u8 = 2;
    const LISTEN: u8 = 10;
    message.get(1) == Some(&SOCK_DGRAM) || message.get(2) == Some(&LISTEN)
}

/// Whether the `struct unix_diag_vfs` in a message names `file`: by 32 bits of its inode number, and by the number of its
/// device as the kernel writes it, a major number of 12 bits and a minor number of 20.
fn is_bound_to(message: &[u8], file: &Metadata) -> Option<bool> {
    let mut rest = message.get(MESSAGE..)?;
    while let Some((kind, body, next)) = next_attribute(rest) {
        if kind == UNIX_DIAG_VFS {
            let device = u64::from(number(body.get(4..)?)?);
            let (major, minor) = (major(file.dev()), minor(file.dev()));
            return Some(
                u64::from(number(body)?) == file.ino() & 0xFFFF_FFFF && device == major << 20 | minor,
            );
        }
        rest = next;
    }
    None
}

/// Builds the request for all Unix domain sockets: a `struct nlmsghdr` and a `struct unix_diag_req`. `show` says which
/// attributes the answer has.
fn request(show: u32) -> Vec<u8> {
    let mut message = header(REQUEST, NLM_F_REQUEST | NLM_F_DUMP);
    message.extend([u8::try_from(AF_UNIX).unwrap_or_default(), 0, 0, 0]);
    message.extend(u32::MAX.to_ne_bytes()); // Sockets in any state
    message.extend(0_u32.to_ne_bytes()); // with any inode number.
    message.extend(show.to_ne_bytes());
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

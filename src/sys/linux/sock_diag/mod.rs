//! The kernel's sockets, asked for over netlink: sock_diag(7).
//!
//! `/proc/net/unix` does not show which Unix domain sockets are connected, nor the file of one. `/proc/net/tcp` shows TCP sockets, but to find one
//! in it the kernel searches its whole table, which has a quarter of a million places on a machine with 24 GiB. Four fixed
//! requests are sent, so these files parse the bytes themselves. The crates for this protocol have seven further
//! dependencies.

use std::io::{self, Read};

use nix::libc::{NLMSG_DONE, NLMSG_ERROR};
use socket2::{Domain, Protocol, Socket, Type};

use crate::sys::unsupported::unsupported;

mod tcp;
mod unix;

pub use tcp::{
    accept_queue, all_tcp_sockets, listener_id, tcp_bytes_in_flight, tcp_queues, tcp_sockets_of_port,
    tcp_state,
};
pub use unix::{unix_peers, unix_socket_of_file};

// From `<linux/sock_diag.h>`.
const SOCK_DIAG_BY_FAMILY: u16 = 20;

/// The size of `struct nlmsghdr`, the header of each netlink message.
const HEADER: usize = 16;

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
                NLMSG_DONE if !is_error(body) => return Ok(()),
                // The usual reason is a kernel without CONFIG_UNIX_DIAG or CONFIG_INET_DIAG, or without their modules.
                NLMSG_DONE | NLMSG_ERROR => return unsupported("the kernel refuses sock_diag(7)"),
                _ => take(body),
            }
            rest = next;
        }
    }
}

/// Returns whether the body of the last message of a reply, the result of the request, is an error.
fn is_error(body: &[u8]) -> bool {
    number(body).is_some_and(|result| result.cast_signed() < 0)
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

//! Batches of datagrams: received with one call, sent back with one call.

use std::io::IoSliceMut;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use nix::cmsg_space;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrIn, SockaddrIn6, SockaddrStorage, recvmmsg,
    setsockopt, sockopt,
};

use crate::echoes::{Echoes, Sender};

/// The size of each buffer in bytes: more than the largest payload of a datagram over IPv4 or IPv6.
const LARGEST_DATAGRAM: usize = 65_535;
pub const BATCH: usize = 64;

/// Ports of services that answer whatever they receive: echo, daytime, chargen, time and DNS. A server that answered
/// them would never stop.
const ANSWERING_PORTS: [u16; 5] = [7, 13, 19, 37, 53];

/// Makes room for datagrams that wait. The kernel may grant less.
pub fn enlarge_buffers(socket: &UdpSocket) {
    let _ = setsockopt(socket, sockopt::SndBuf, &LARGEST_DATAGRAM);
    let _ = setsockopt(socket, sockopt::RcvBuf, &(64 * LARGEST_DATAGRAM));
}

/// Sends each datagram back to its sender, for ever.
pub fn echo(socket: &UdpSocket) -> ! {
    let mut memory = vec![0; BATCH * LARGEST_DATAGRAM];
    // A kernel that can join datagrams can divide them as well: Linux has UDP_SEGMENT since 4.18, and UDP_GRO since 5.0.
    let joins = setsockopt(socket, sockopt::UdpGroSegment, &true).is_ok();
    let mut sender = Sender::new(socket);
    loop {
        // An error says that an earlier echo could not be delivered (ECONNREFUSED). That concerns one client.
        if let Ok(echoes) = receive(socket, &mut memory, joins) {
            sender.send(&echoes);
        }
    }
}

/// Waits for a datagram, and receives up to [`BATCH`] buffers of them.
fn receive<'m>(socket: &UdpSocket, memory: &'m mut [u8], joins: bool) -> nix::Result<Echoes<'m>> {
    // New for each call, because the kernel writes into each header how much of its control buffer it has used.
    let mut headers = MultiHeaders::preallocate(BATCH, Some(cmsg_space!(i32)));
    let mut buffers: Vec<_> =
        memory.chunks_mut(LARGEST_DATAGRAM).map(|buffer| [IoSliceMut::new(buffer)]).collect();
    let received = recvmmsg(socket.as_raw_fd(), &mut headers, &mut buffers, MsgFlags::MSG_WAITFORONE, None)?;
    let received: Vec<_> = received.map(|it| (it.bytes, segment_length(&it), it.address)).collect();
    let mut echoes = Echoes::new(joins);
    for (buffer, (length, segment, client)) in memory.chunks(LARGEST_DATAGRAM).zip(received) {
        if let Some(client) = client.filter(gets_echo) {
            echoes.add(&buffer[..length], segment.unwrap_or(length), client);
        }
    }
    Ok(echoes)
}

/// Returns the length of each datagram if the kernel has joined several. The last may be shorter.
fn segment_length(message: &RecvMsg<SockaddrStorage>) -> Option<usize> {
    message.cmsgs().ok()?.find_map(|control| match control {
        ControlMessageOwned::UdpGroSegments(length) => usize::try_from(length).ok(),
        _ => None,
    })
}

fn gets_echo(client: &SockaddrStorage) -> bool {
    let port = client.as_sockaddr_in().map(SockaddrIn::port);
    let port = port.or_else(|| client.as_sockaddr_in6().map(SockaddrIn6::port));
    port.is_some_and(|port| !ANSWERING_PORTS.contains(&port))
}

//! Batches of datagrams: received with one call, sent back with one call.

use std::io::{IoSlice, IoSliceMut};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{
    MsgFlags, MultiHeaders, SockaddrIn, SockaddrIn6, SockaddrStorage, recvmmsg, sendmmsg, setsockopt, sockopt,
};

/// The size of each buffer in bytes: more than the largest payload of a datagram over IPv4 or IPv6.
const LARGEST_DATAGRAM: usize = 65_535;
const BATCH: usize = 64;

/// Ports of services that answer whatever they receive: echo, daytime, chargen, time and DNS. A server that answered
/// them would never stop.
const ANSWERING_PORTS: [u16; 5] = [7, 13, 19, 37, 53];

type Headers = MultiHeaders<SockaddrStorage>;

/// Makes room for datagrams that wait. The kernel may grant less.
pub fn enlarge_buffers(socket: &UdpSocket) {
    let _ = setsockopt(socket, sockopt::SndBuf, &LARGEST_DATAGRAM);
    let _ = setsockopt(socket, sockopt::RcvBuf, &(64 * LARGEST_DATAGRAM));
}

/// Sends each datagram back to its sender, for ever.
pub fn echo(socket: &UdpSocket) -> ! {
    let mut memory = vec![0; BATCH * LARGEST_DATAGRAM];
    let mut headers = [Headers::preallocate(BATCH, None), Headers::preallocate(BATCH, None)];
    loop {
        // An error says that an earlier echo could not be delivered (ECONNREFUSED). That concerns one client.
        if let Ok(datagrams) = receive(socket, &mut headers[0], &mut memory) {
            send(socket, &mut headers[1], &memory, &datagrams);
        }
    }
}

/// Waits for a datagram, and receives up to [`BATCH`] that are there. Returns their lengths and senders.
fn receive(
    socket: &UdpSocket,
    headers: &mut Headers,
    memory: &mut [u8],
) -> nix::Result<Vec<(usize, Option<SockaddrStorage>)>> {
    let mut buffers: Vec<_> =
        memory.chunks_mut(LARGEST_DATAGRAM).map(|buffer| [IoSliceMut::new(buffer)]).collect();
    let received = recvmmsg(socket.as_raw_fd(), headers, &mut buffers, MsgFlags::MSG_WAITFORONE, None)?;
    Ok(received.map(|datagram| (datagram.bytes, datagram.address)).collect())
}

fn send(
    socket: &UdpSocket,
    headers: &mut Headers,
    memory: &[u8],
    datagrams: &[(usize, Option<SockaddrStorage>)],
) {
    let echoes = memory.chunks(LARGEST_DATAGRAM).zip(datagrams);
    let (echoes, clients): (Vec<_>, Vec<_>) = echoes
        .filter(|(_, (_, client))| client.as_ref().is_some_and(gets_echo))
        .map(|(buffer, (length, client))| ([IoSlice::new(&buffer[..*length])], *client))
        .unzip();
    let mut done = 0;
    while done < clients.len() {
        let flags = MsgFlags::empty();
        done += match sendmmsg(socket.as_raw_fd(), headers, &echoes[done..], &clients[done..], [], flags) {
            Ok(sent) => sent.count(),
            Err(Errno::EINTR) => 0,
            // The first echo cannot be sent, and is lost. The others go on.
            Err(_) => 1,
        };
    }
}

fn gets_echo(client: &SockaddrStorage) -> bool {
    let port = client.as_sockaddr_in().map(SockaddrIn::port);
    let port = port.or_else(|| client.as_sockaddr_in6().map(SockaddrIn6::port));
    port.is_some_and(|port| !ANSWERING_PORTS.contains(&port))
}

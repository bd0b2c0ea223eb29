//! UDP datagrams with a header of our own, through a raw socket: raw(7), RFC 768.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

use crate::sys;

const HEADER: usize = 8;

/// Sends `content` as a UDP datagram from source port 0 to `destination`, which is a loopback address.
///
/// # Errors
/// `PermissionDenied` without CAP_NET_RAW (capabilities(7)); those of sendto(2).
pub(crate) fn send_from_port_zero(destination: SocketAddr, content: &[u8]) -> io::Result<()> {
    let too_long = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let length = u16::try_from(HEADER + content.len()).map_err(too_long)?;
    let mut datagram = [0, destination.port(), length, 0].map(u16::to_be_bytes).concat();
    datagram.extend_from_slice(content);
    // Over IPv4 a checksum of 0 means that there is none. Over IPv6 there must be one: RFC 8200 §8.1.
    if let IpAddr::V6(address) = destination.ip() {
        let sum = checksum(address, length, &datagram);
        datagram[6..HEADER].copy_from_slice(&sum.to_be_bytes());
    }
    sys::between_launches(|| {
        let socket = Socket::new(Domain::for_address(destination), Type::RAW, Some(Protocol::UDP))?;
        socket.bind(&SocketAddr::new(destination.ip(), 0).into())?;
        socket.send_to(&datagram, &SocketAddr::new(destination.ip(), 0).into()).map(drop)
    })
}

/// Returns the checksum of a UDP datagram from `address` to itself: RFC 768, with the pseudo-header of RFC 8200 §8.1.
fn checksum(address: Ipv6Addr, length: u16, datagram: &[u8]) -> u16 {
    const NEXT_HEADER: u32 = 17;
    let both = address.octets().repeat(2);
    let words = both.chunks(2).chain(datagram.chunks(2));
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    let mut sum = words.map(word).sum::<u32>() + u32::from(length) + NEXT_HEADER;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    // All zeros would mean that there is no checksum.
    match !u16::try_from(sum).unwrap_or(0) {
        0 => 0xffff,
        sum => sum,
    }
}

//! Ports for servers, which no other run of echospec takes.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use socket2::{Domain, SockAddr, Socket, Type};

use super::{Address, Reservation, ReservedAddress, Transport};
use crate::sys;
use crate::wire::Protocol;
use crate::wire::claims::Claim;

/// The ports that servers get: below the range from which systems choose the ports of clients (from 32768 on Linux,
/// 49152 on macOS), so that no client can take a server's port between its reservation and the server's bind(2).
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Reserves a free port of 127.0.0.1.
pub(super) fn reserve(kind: Type) -> io::Result<ReservedAddress> {
    reserve_at(Ipv4Addr::LOCALHOST.into(), kind)
}

/// Reserves a free port of `ip`, an address of this machine.
pub(super) fn reserve_at(ip: IpAddr, kind: Type) -> io::Result<ReservedAddress> {
    for _ in 0..1000 {
        let port = next_port();
        // A process launched in this moment would inherit the probing socket, and keep the port taken.
        if let Some(reservation) = sys::between_launches(|| try_reserve(ip, kind, port)) {
            let address = Address::Inet(SocketAddr::new(ip, port));
            return Ok(ReservedAddress { address, _reservation: Some(reservation) });
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no free port found between 20000 and 32000"))
}

/// Returns one port after another, from a random one on. A port does not return within minutes: a client in
/// TIME_WAIT towards the last server on a port would prevent a connection to the next one.
fn next_port() -> u16 {
    static NEXT: OnceLock<AtomicU64> = OnceLock::new();
    let random = || AtomicU64::new(RandomState::new().hash_one(std::process::id()) >> 8);
    let number = NEXT.get_or_init(random).fetch_add(1, Ordering::Relaxed);
    let offset = number % u64::from(PORTS.end - PORTS.start);
    PORTS.start + u16::try_from(offset).unwrap_or_default()
}

/// Reserves `port` of the address `ip` if no other run of echospec has it and no socket is bound to it on any address. That
/// holds for TCP and UDP alike: a name server needs both.
fn try_reserve(ip: IpAddr, kind: Type, port: u16) -> Option<Reservation> {
    let claims = ["tcp", "udp"].map(|name| sys::claim_abstract_name(&format!("echospec-{name}-{port}")));
    let locks = claims.into_iter().collect::<io::Result<Vec<_>>>().ok()?;
    let wildcard = match ip {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let address = SocketAddr::new(wildcard, port);
    for probed in [Type::STREAM, Type::DGRAM] {
        let probe = Socket::new(Domain::for_address(address), probed, None).ok()?;
        probe.bind(&SockAddr::from(address)).ok()?;
    }
    let protocol = if kind == Type::STREAM { Protocol::Tcp } else { Protocol::Udp };
    let claim = Some(Claim::new(protocol, port));
    Some(Reservation { _claim: claim, _locks: locks.into_iter().flatten().collect(), _leftover: None })
}

/// Returns the loopback address on which servers of `transport` listen, or `None` if the transport has no ports.
pub(crate) fn loopback_address(transport: &Transport) -> Option<IpAddr> {
    match transport.name {
        "tcp" | "udp" => Some(Ipv4Addr::LOCALHOST.into()),
        "tcp6" | "udp6" => Some(Ipv6Addr::LOCALHOST.into()),
        _ => None,
    }
}

/// Returns the first of `addresses` that is no loopback address of this machine, in words.
pub(crate) fn missing_loopback_address(addresses: &[IpAddr]) -> Option<String> {
    let missing = addresses.iter().find(|&&address| !is_loopback_address(address));
    missing.map(|address| format!("{address} cannot be bound"))
}

/// Whether the loopback interface of this machine has `address`. On Linux, it has all addresses of 127/8.
pub(crate) fn is_loopback_address(address: IpAddr) -> bool {
    std::net::TcpListener::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_that_a_udp_socket_has_is_not_reserved_for_tcp() {
        let port = loop {
            let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, next_port()));
            if let Ok(socket) = socket {
                break socket;
            }
        };
        let (ip, number) = (Ipv4Addr::LOCALHOST.into(), port.local_addr().unwrap().port());
        assert!(try_reserve(ip, Type::STREAM, number).is_none());
        assert!(try_reserve(ip, Type::DGRAM, number).is_none());
    }
}

//! Ports that nobody else takes, and connecting with a deadline.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::{Address, Hold, Reserved};
use crate::sys;
use crate::wire::Protocol as Carrier;
use crate::wire::claims::Claim;

/// Below the range from which any system here picks the ports of clients (32768 on Linux, 49152 on
/// macOS), so that no connecting client can take a server's port between its choice and its bind.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A free port on 127.0.0.1 for `kind`, claimed so that no other run of echospec takes it.
pub(super) fn reserve(kind: Type) -> io::Result<Reserved> {
    reserve_at(Ipv4Addr::LOCALHOST.into(), kind)
}

/// The same on another address of this machine.
pub(super) fn reserve_at(ip: IpAddr, kind: Type) -> io::Result<Reserved> {
    for _ in 0..1000 {
        let port = next_port();
        // A process that is just being launched would keep a copy of the probe, and the port taken.
        if let Some(hold) = sys::between_launches(|| hold(ip, kind, port)) {
            let address = Address::Inet(SocketAddr::new(ip, port));
            return Ok(Reserved { address, _hold: Some(hold) });
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no free port found between 20000 and 32000"))
}

/// One port after another from a random beginning, so that none comes twice within minutes: a client's
/// TIME_WAIT towards the last server on a port would stand in the way of one towards the next.
fn next_port() -> u16 {
    static NEXT: OnceLock<AtomicU64> = OnceLock::new();
    let beginning = || AtomicU64::new(RandomState::new().hash_one(std::process::id()) >> 8);
    let number = NEXT.get_or_init(beginning).fetch_add(1, Ordering::Relaxed);
    let offset = number % u64::from(PORTS.end - PORTS.start);
    PORTS.start + u16::try_from(offset).unwrap_or_default()
}

/// Claims the port, and proves that nobody is bound to it on any address.
fn hold(ip: IpAddr, kind: Type, port: u16) -> Option<Hold> {
    let (carrier, name) = if kind == Type::STREAM { (Carrier::Tcp, "tcp") } else { (Carrier::Udp, "udp") };
    let claim = sys::claim_name(&format!("echospec-{name}-{port}")).ok()?;
    let wildcard = match ip {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let address = SocketAddr::new(wildcard, port);
    let probe = Socket::new(Domain::for_address(address), kind, None).ok()?;
    probe.bind(&SockAddr::from(address)).ok()?;
    Some(Hold { _told: Some(Claim::new(carrier, port)), _claim: claim, _leftover: None })
}

/// A TCP socket for `address`, bound to `source` if that is given.
pub(crate) fn stream_socket(address: SocketAddr, source: Option<SocketAddr>) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if let Some(source) = source {
        // Only a port of our choice may be one in TIME_WAIT; of the system's choice we want a fresh one.
        socket.set_reuse_address(source.port() != 0)?;
        socket.bind(&source.into())?;
    }
    // A test sends small pieces and waits for each: Nagle's algorithm would only delay them.
    socket.set_tcp_nodelay(true)?;
    Ok(socket)
}

/// Connects, waiting at most `limit`, and leaves the socket non-blocking.
///
/// A Unix domain socket has no handshake to poll for: a full backlog gives EAGAIN on Linux and
/// ECONNREFUSED on macOS, so there it is the send timeout that bounds a blocking connect (socket(7)).
pub(crate) fn connect_within(socket: &Socket, address: &SockAddr, limit: Duration) -> io::Result<()> {
    if address.is_unix() {
        socket.set_write_timeout(Some(limit))?;
        socket.connect(address).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            _ => error,
        })
    } else {
        socket.connect_timeout(address, limit)
    }
}

/// The first of `addresses` that it does not answer to, in words.
pub(crate) fn absent_loopback(addresses: &[IpAddr]) -> Option<String> {
    let absent = addresses.iter().find(|&&address| !loopback_has(address));
    absent.map(|address| format!("{address} cannot be bound"))
}

/// Whether this machine's loopback interface answers to `address`, as Linux's does to all of 127/8.
pub(crate) fn loopback_has(address: IpAddr) -> bool {
    std::net::TcpListener::bind((address, 0)).is_ok()
}

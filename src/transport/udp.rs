//! UDP over IPv4 on loopback. udp(7), RFC 768.
//!
//! The socket of a client is not connected. A connected socket would drop a reply from another address than the one
//! that the client has sent to, and no check could report it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use socket2::{Domain, Socket, Type};

use super::{
    Capabilities, Capacity, Channel, ChannelRequest, ConnectRequest, Link, MessageChannel, Readiness,
    ReservedAddress, Transport, client, port,
};

pub(super) const TRANSPORT: Transport = Transport {
    name: "udp",
    summary: "datagrams to a port, without a connection",
    capabilities: Capabilities::MESSAGES
        .union(Capabilities::CONNECTIONLESS)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::CONCURRENT_CLIENTS)
        .union(Capabilities::SOURCE_ADDRESS)
        .union(Capabilities::BINDS)
        .union(Capabilities::PORT)
        .union(Capabilities::UDP),
    placeholders: &["{addr}", "{port}"],
    reserve,
    connect,
    open_channel,
    inherited: None,
    readiness: Readiness::UdpSocket,
};

fn reserve(_scratch: &Path) -> std::io::Result<ReservedAddress> {
    port::reserve(Type::DGRAM)
}

pub(super) fn connect(request: &ConnectRequest<'_>) -> std::io::Result<Link> {
    let address = request.address.expect_inet()?;
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    client::enlarge_buffers(&socket);
    request.set_socket_options(&socket)?;
    socket.bind(&request.options.source.unwrap_or_else(|| any_port(address)).into())?;
    Link::unconnected(socket, address.into())
}

/// Returns an address of a client with a port that the system chooses: a loopback address, or, for a server elsewhere,
/// whichever address of this machine has a route to it.
fn any_port(server: SocketAddr) -> SocketAddr {
    let own: IpAddr = match (server, server.ip().is_loopback()) {
        (SocketAddr::V4(_), true) => Ipv4Addr::LOCALHOST.into(),
        (SocketAddr::V4(_), false) => Ipv4Addr::UNSPECIFIED.into(),
        (SocketAddr::V6(_), true) => Ipv6Addr::LOCALHOST.into(),
        (SocketAddr::V6(_), false) => Ipv6Addr::UNSPECIFIED.into(),
    };
    SocketAddr::new(own, 0)
}

/// The size in bytes of the largest content of a UDP datagram over IPv4: RFC 768.
const LARGEST: usize = 65_507;

/// Opens a channel over a connected UDP socket, so that the kernel need not look up the route for each datagram.
pub(super) fn open_channel(request: ChannelRequest<'_>) -> std::io::Result<Box<dyn Channel>> {
    let address = request.address.expect_inet()?;
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    let capacity = Capacity::of_socket(&socket, request.tuning)?.for_udp();
    request.tuning.apply_to_socket(&socket)?;
    socket.connect(&address.into())?;
    let largest = LARGEST.min(socket.send_buffer_size()?);
    MessageChannel::over_socket(socket, request.wait_mode, capacity, largest)
}

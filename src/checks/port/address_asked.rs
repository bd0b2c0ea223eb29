//! Checks that a server binds the address in its command, and answers from the address that a client asked.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::requirement::SEVERAL_LOOPBACK_ADDRESSES;
use crate::server::Server;
use crate::sys;
use crate::transport::{Address, Capabilities, ConnectOptions, missing_loopback_address};

pub const ADDRESS_ASKED: Check = Check {
    id: "port/address-asked",
    level: Should,
    sentence: "a server that is told an address to listen on is not bound to any other address",
    why: "a service meant for this machine alone is open to the whole network if it is bound to the wildcard address",
    citations: &["bind(2)", "ip(7) (INADDR_ANY)", "CWE-1327"],
    recipe: "start the server on 127.0.0.1; bind its port on 127.0.0.2, which must succeed",
    requires: Capabilities::BINDS.union(Capabilities::PORT),
    run: bound,
};

pub const ANSWERS_FROM_ADDRESS_ASKED: Check = Check {
    id: "port/answers-from-address-asked",
    level: Should,
    sentence: "a server that receives datagrams on every address answers each from the address to which it was sent",
    why: "on a wildcard socket the kernel chooses the source address by route; a client that asked another address drops the answer",
    citations: &["RFC 1122 §3.3.4.2", "RFC 1122 §4.1.3.5", "ip(7) (IP_PKTINFO)"],
    recipe: "if the server's port on 127.0.0.2 is in use too, send a datagram there; the answer must come from 127.0.0.2",
    requires: Capabilities::BINDS.union(Capabilities::UDP),
    run: answered,
};

/// A loopback address that no server has in its command.
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn bound(server: &mut Server) -> check::Result {
    let other = other_address(server)?;
    if is_free(server, other) {
        return Ok(());
    }
    let (wanted, actual) =
        (format!("service on {} alone", server.address()), format!("its port is in use on {OTHER} as well"));
    if server.spec().is_told_host() {
        Err(Finding::fail(wanted, actual).because("it is bound to the wildcard address"))
    } else {
        Err(Finding::info(wanted, actual).because("its command names a port, but no address"))
    }
}

fn answered(server: &mut Server) -> check::Result {
    let other = other_address(server)?;
    if is_free(server, other) {
        return Ok(()); // The server has one address, from which it sends every answer.
    }
    let options = ConnectOptions::to(Address::Inet(other));
    let answer = server.connect_with(&options)?.exchange_message(b"who answers?")?;
    match answer.sender {
        Some(sender) if sender == other => Ok(()),
        Some(sender) => Err(Finding::fail(format!("an answer from {other}"), format!("one from {sender}"))
            .because(
                "it is bound to the wildcard address, and does not set the source address of its answers",
            )),
        None => Err(Finding::broken("the sender's address", "recvfrom(2) returned none")),
    }
}

fn other_address(server: &Server) -> check::Result<SocketAddr> {
    if let Some(absent) = missing_loopback_address(&[OTHER]) {
        return Err(Finding::missing_requirement(
            &SEVERAL_LOOPBACK_ADDRESSES,
            "two loopback addresses",
            absent,
        ));
    }
    let port = server.address().inet().map(|address| address.port());
    port.map(|port| SocketAddr::new(OTHER, port)).ok_or_else(|| Finding::broken("a port", "there is none"))
}

/// Reports whether `address` can be bound. Without SO_REUSEADDR or SO_REUSEPORT on both sockets the kernel refuses if
/// another socket is bound to `address`, or to the wildcard address with its port: socket(7).
///
/// It binds while no process is being launched, since such a process would inherit a copy of the socket.
fn is_free(server: &Server, address: SocketAddr) -> bool {
    let tcp = server.spec().capabilities().contains(Capabilities::TCP);
    let kind = if tcp { Type::STREAM } else { Type::DGRAM };
    sys::between_launches(|| {
        let socket = Socket::new(Domain::for_address(address), kind, None);
        socket.is_ok_and(|socket| socket.bind(&address.into()).is_ok())
    })
}

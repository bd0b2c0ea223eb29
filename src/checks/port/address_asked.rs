//! The address in the command is there for a reason.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::requirement::MORE_LOOPBACK;
use crate::server::Server;
use crate::sys;
use crate::transport::{Address, Capabilities, ConnectOptions, absent_loopback};

pub const BOUND: Check = Check {
    id: "port/address-asked",
    level: Should,
    says: "a server that is told an address to listen on is not bound to any other",
    why: "bound to the wildcard instead, a service meant for this machine alone is open to the whole network",
    cites: &["bind(2)", "ip(7) (INADDR_ANY)", "CWE-1327"],
    recipe: "start it on 127.0.0.1 and bind its port on 127.0.0.2: that is free",
    needs: Capabilities::BINDS.union(Capabilities::PORT),
    run: bound,
};

pub const ANSWERED: Check = Check {
    id: "port/answers-from-address-asked",
    level: Should,
    says: "a server that takes datagrams on every address answers each from the one it was sent to",
    why: "with the wildcard the kernel picks the source of an answer by its route: a client that asked another address drops it",
    cites: &["RFC 1122 §3.3.4.2", "RFC 1122 §4.1.3.5", "ip(7) (IP_PKTINFO)"],
    recipe: "if its port on 127.0.0.2 is taken too, ask it there: the answer comes from 127.0.0.2",
    needs: Capabilities::BINDS.union(Capabilities::UDP),
    run: answered,
};

/// An address of this machine that no server here is told.
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn bound(server: &mut Server) -> check::Result {
    let other = other_address(server)?;
    if is_free(server, other) {
        return Ok(());
    }
    let (wanted, actual) =
        (format!("no service but on {}", server.address()), format!("its port is taken on {OTHER} as well"));
    if server.spec().is_told_host() {
        Err(Finding::fail(wanted, actual).because("it is bound to the wildcard address"))
    } else {
        Err(Finding::info(wanted, actual).because("its command names a port, and no address"))
    }
}

fn answered(server: &mut Server) -> check::Result {
    let other = other_address(server)?;
    if is_free(server, other) {
        return Ok(()); // One address, from which every answer comes.
    }
    let approach = ConnectOptions { address: Some(Address::Inet(other)), ..ConnectOptions::default() };
    let answer = server.connect_with(&approach)?.exchange_message(b"who answers?")?;
    match answer.sender {
        Some(sender) if sender == other => Ok(()),
        Some(sender) => Err(Finding::fail(format!("an answer from {other}"), format!("one from {sender}"))
            .because(
                "it is bound to the wildcard address, and does not say which source an answer is to have",
            )),
        None => Err(Finding::broken("the sender's address", "recvfrom(2) gave none")),
    }
}

fn other_address(server: &Server) -> check::Result<SocketAddr> {
    if let Some(absent) = absent_loopback(&[OTHER]) {
        return Err(Finding::missing(&MORE_LOOPBACK, "two loopback addresses", absent));
    }
    let port = server.address().inet().map(|address| address.port());
    port.map(|port| SocketAddr::new(OTHER, port)).ok_or_else(|| Finding::broken("a port", "there is none"))
}

/// Whether nobody is bound to `address`, nor to every address with its port: without SO_REUSEADDR or SO_REUSEPORT
/// on both sides that is refused (socket(7)). Between launches, because a process that is just being launched would
/// keep a copy.
fn is_free(server: &Server, address: SocketAddr) -> bool {
    let tcp = server.spec().offers().contains(Capabilities::TCP);
    let kind = if tcp { Type::STREAM } else { Type::DGRAM };
    sys::between_launches(|| {
        let socket = Socket::new(Domain::for_address(address), kind, None);
        socket.is_ok_and(|socket| socket.bind(&address.into()).is_ok())
    })
}

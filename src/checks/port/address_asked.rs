//! Checks that a server binds the address in its command, and answers from the address that a client asked.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::processes::sockets_at_address;
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::requirement::SEVERAL_LOOPBACK_ADDRESSES;
use crate::server::{Instance, LaunchOptions, Server};
use crate::sys::{self, SocketName};
use crate::transport::{Address, Capabilities, ConnectOptions, missing_loopback_address};

pub const ADDRESS_ASKED: Check = Check {
    id: "port/address-asked",
    level: Should,
    sentence: "a server that is told an address to listen on is not bound to any other address",
    why: "a service meant for this machine alone is open to the whole network if it is bound to the wildcard address",
    citations: &["bind(2)", "ip(7) (INADDR_ANY)", "ipv6(7) (IPV6_V6ONLY)", "CWE-1327"],
    recipe: "start the server on 127.0.0.1; bind its port on 127.0.0.2, which must succeed; over IPv6 start it on [::1]; bind its port on 127.0.0.1, and look for a socket of its processes that is bound to [::]",
    requires: Capabilities::BINDS.union(Capabilities::PORT),
    run: bound,
};

pub const ANSWERS_FROM_ADDRESS_ASKED: Check = Check {
    id: "port/answers-from-address-asked",
    level: Should,
    sentence: "a server that receives datagrams on every address answers each from the address to which it was sent",
    why: "on a wildcard socket the kernel chooses the source address by route; a client that asked another address drops the answer",
    citations: &["RFC 1122 §3.3.4.2", "RFC 1122 §4.1.3.5", "ip(7) (IP_PKTINFO)"],
    recipe: "if the server's port on 127.0.0.2 is in use too, send a datagram there; the answer must come from 127.0.0.2; else start it on 0.0.0.0 in a network of its own (unshare --net), and do the same: what that shows is information",
    requires: Capabilities::BINDS.union(Capabilities::UDP),
    run: answered,
};

/// A loopback address that no server has in its command, so no server may be reached at it.
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn bound(server: &mut Server) -> check::Result {
    let asked = server.address().expect_inet().or_broken("a port")?;
    let (actual, cause) = if asked.is_ipv6() {
        let Some(found) = beyond_ipv6(server, asked.port())? else { return Ok(()) };
        found
    } else {
        let other = other_address(server)?;
        if is_free(server, other) {
            return Ok(());
        }
        (format!("its port is in use on {OTHER} as well"), "it is bound to the wildcard address")
    };
    let wanted = format!("service on {} alone", server.address());
    if server.spec().is_told_host() {
        Err(Finding::fail(wanted, actual).because(cause))
    } else {
        Err(Finding::info(wanted, actual).because("its command names a port, but no address"))
    }
}

/// Returns where else a server can be reached that was asked for one IPv6 address, and the cause. The loopback
/// interface has one IPv6 address, so a bind to another one cannot show a wildcard socket.
fn beyond_ipv6(server: &Server, port: u16) -> check::Result<Option<(String, &'static str)>> {
    let over_ipv4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if !is_free(server, over_ipv4) {
        let cause = "it is bound to [::] without IPV6_V6ONLY, and so receives IPv4 too, or to an IPv4 address of its own";
        return Ok(Some((format!("its port is in use on {} as well", over_ipv4.ip()), cause)));
    }
    for process in server.processes()? {
        for (_, socket) in sockets_at_address(server, process.pid)? {
            let (SocketName::Tcp(local, _) | SocketName::Udp(local, _)) = socket.name else { continue };
            if socket.listening && local.ip().is_unspecified() {
                return Ok(Some((
                    format!("its socket is bound to {local}"),
                    "it is bound to the wildcard address",
                )));
            }
        }
    }
    Ok(None)
}

fn answered(server: &mut Server) -> check::Result {
    let other = other_address(server)?;
    if is_free(server, other) {
        return told_every_address(server, other);
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

/// Launches a second instance that is told to serve every address, in a network of its own, which no other machine
/// can reach. The server has one address, as it was told, so the result is only *info*.
fn told_every_address(server: &mut Server, other: SocketAddr) -> check::Result {
    if !server.spec().is_told_host() || !other.is_ipv4() {
        return Ok(()); // The server has one address, from which it sends every answer.
    }
    // No verdict without a network for this instance alone.
    sys::check_namespace_permission().or_unsupported("a network of its own (it needs CAP_SYS_ADMIN)")?;
    let every = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), other.port());
    let options = LaunchOptions { own_network: true, ..server.options() };
    let mut instance = server.start_at(&Address::Inet(every), &options).or_broken("a second instance")?;
    if !serves(server, &mut instance, every)? {
        return Ok(()); // It does not serve every address.
    }
    let options = ConnectOptions::to(Address::Inet(other));
    let asked = sys::in_network_of(instance.pid(), || server.connect_with(&options));
    let answer = asked.or_broken("the network of the second instance")??.exchange_message(b"who answers?")?;
    if answer.sender == Some(other) {
        return Ok(());
    }
    let sender = answer.sender.map_or("an unknown address".into(), |sender| sender.to_string());
    Err(Finding::info(format!("an answer from {other}, if it is told {every}"), format!("one from {sender}"))
        .because("it does not set the source address of its answers"))
}

/// Waits until the server's second `instance` is bound to the address `every`. Returns false if it exits, or binds
/// another address.
fn serves(server: &Server, instance: &mut Instance, every: SocketAddr) -> check::Result<bool> {
    let bound = until(server.deadlines().start(), || {
        let addresses = sys::udp_addresses_of(instance.pid()).unwrap_or_default();
        let bound = addresses.iter().find(|address| address.port() == every.port());
        Ok(bound.map(|address| *address == every).or_else(|| instance.ended().map(|_| false)))
    })?;
    Ok(bound.unwrap_or(false))
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

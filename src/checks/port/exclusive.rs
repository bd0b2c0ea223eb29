//! Checks that no other process can bind the server's address and port.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::sys;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "port/exclusive",
    level: Should,
    sentence: "while the server runs, no other process can bind its address and port",
    why: "any program of the same user (with SO_REUSEADDR on UDP, of any user) can otherwise take some or all of its clients",
    citations: &["socket(7) (SO_REUSEADDR, SO_REUSEPORT)", "bind(2) (EADDRINUSE)"],
    recipe: "bind the server's address with SO_REUSEPORT, and for UDP also with SO_REUSEADDR; the kernel must refuse both",
    requires: Capabilities::BINDS.union(Capabilities::PORT),
    run,
};

/// A socket option that lets several sockets share an address: how to set it, and its name.
type Option = (fn(&Socket) -> io::Result<()>, &'static str);

const REUSEPORT: Option = (|socket| socket.set_reuse_port(true), "SO_REUSEPORT");
const REUSEADDR: Option = (|socket| socket.set_reuse_address(true), "SO_REUSEADDR");

fn run(server: &mut Server) -> check::Result {
    let address = server.address().expect_inet();
    let address = address.or_broken("a port")?;
    let tcp = server.spec().capabilities().contains(Capabilities::TCP);
    // With TCP every server sets SO_REUSEADDR for its restart, and it lets no other socket share a listener's address.
    let (kind, options) =
        if tcp { (Type::STREAM, &[REUSEPORT][..]) } else { (Type::DGRAM, &[REUSEPORT, REUSEADDR][..]) };
    for (set, name) in options {
        if can_bind(address, kind, *set)? {
            return Err(Finding::fail(
                format!("{address} refused to other sockets"),
                format!("another socket was bound to it, with {name}"),
            )
            .because(format!("the server has set {name} on its own socket")));
        }
    }
    Ok(())
}

/// Reports whether `address` can be bound with the option that `set` sets.
///
/// It binds while no process is being launched, since such a process would inherit a copy of the socket, and closes the
/// socket at once, so that it receives no client's datagram.
fn can_bind(address: SocketAddr, kind: Type, set: fn(&Socket) -> io::Result<()>) -> check::Result<bool> {
    let bound = sys::between_launches(|| {
        let socket = Socket::new(Domain::for_address(address), kind, None)?;
        set(&socket)?;
        socket.bind(&address.into())
    });
    match bound {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(false),
        Err(error) => Err(Finding::broken("an attempt to bind", error.to_string())),
    }
}

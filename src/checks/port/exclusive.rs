//! Whose port it is.

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
    says: "while the server lives, nobody else can bind its address and port",
    why: "any program of the same user (with SO_REUSEADDR on UDP, of any user) then takes a share of its clients, or all of them",
    cites: &["socket(7) (SO_REUSEADDR, SO_REUSEPORT)", "bind(2) (EADDRINUSE)"],
    recipe: "bind the server's address with SO_REUSEPORT, and a datagram server's with SO_REUSEADDR too: both are refused",
    needs: Capabilities::BINDS.union(Capabilities::PORT),
    run,
};

/// How to ask for a share, and what the option is called.
type Option = (fn(&Socket) -> io::Result<()>, &'static str);

const REUSEPORT: Option = (|socket| socket.set_reuse_port(true), "SO_REUSEPORT");
const REUSEADDR: Option = (|socket| socket.set_reuse_address(true), "SO_REUSEADDR");

fn run(server: &mut Server) -> check::Result {
    let address = server.address().expect_inet();
    let address = address.or_broken("a port")?;
    let tcp = server.spec().offers().contains(Capabilities::TCP);
    // With TCP the second of the two is what every server sets for its restart, and gives no share of a listener.
    let (kind, options) =
        if tcp { (Type::STREAM, &[REUSEPORT][..]) } else { (Type::DGRAM, &[REUSEPORT, REUSEADDR][..]) };
    for (set, name) in options {
        if shares(address, kind, *set)? {
            return Err(Finding::fail(
                format!("{address} refused to everybody else"),
                format!("another socket was bound to it, with {name}"),
            )
            .because(format!("the server has set {name} itself")));
        }
    }
    Ok(())
}

/// Between launches, because a process that is just being launched would keep a copy of the bound socket; and
/// closed at once, so that no client's datagram gets there.
fn shares(address: SocketAddr, kind: Type, set: fn(&Socket) -> io::Result<()>) -> check::Result<bool> {
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

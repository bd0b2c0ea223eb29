//! Old connections must not keep a server from coming back.

use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

use crate::check::{self, Finding, OrFinding};
use crate::checks::{Check, steps};
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::sys::{self, TcpState};
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "port/restart-in-time-wait",
    level: Should,
    says: "a server that was killed can be started again on its port at once, while old connections sit in TIME_WAIT",
    why: "without SO_REUSEADDR the restart fails with EADDRINUSE for as long as TIME_WAIT lasts: one to four minutes without service",
    cites: &["socket(7) (SO_REUSEADDR)", "RFC 9293 §3.6.1", "bind(2)"],
    recipe: "connect, exchange, SIGKILL the server (its FIN goes first), close; prove TIME_WAIT by a bind without SO_REUSEADDR; start it again",
    needs: Capabilities::TCP.union(Capabilities::BINDS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let address = server.address().expect_inet().or_broken("a port")?;
    let mut client = server.connect()?;
    client.exchange(b"read to the last byte")?;
    server.crash();
    client.expect_eof()?;
    drop(client);
    prove_time_wait(server, address)?;
    let cause = "the listener is bound without SO_REUSEADDR, and an old connection is in TIME_WAIT";
    steps::restart_and_exchange(server, cause)
}

/// The control: whoever binds without SO_REUSEADDR is refused now, and the kernel's table says why.
fn prove_time_wait(server: &Server, address: SocketAddr) -> check::Result {
    let proven = until(server.deadlines().no_progress(), || {
        let waits = match sys::tcp_states(address.port()) {
            Ok(states) => states.iter().any(|(_, _, state)| *state == TcpState::TimeWait),
            Err(_) => true, // This system does not tell; the bind alone must do.
        };
        Ok((waits && !binds_plainly(address)).then_some(()))
    })?;
    proven.ok_or_else(|| {
        Finding::broken(format!("a connection of {address} in TIME_WAIT"), "the port could be bound")
    })
}

/// Between launches, because a process that is just being launched would keep a copy of the bound socket.
fn binds_plainly(address: SocketAddr) -> bool {
    sys::between_launches(|| {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None);
        socket.is_ok_and(|socket| socket.bind(&address.into()).is_ok())
    })
}

//! Checks that connections in TIME_WAIT do not prevent a restart.

use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

use crate::check::{self, Finding, OrFinding};
use crate::checks::{Check, steps};
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::sys::{self, TcpState};
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "port/restart-in-time-wait",
    level: Should,
    sentence: "a server that was killed can be started again on its port at once, while old connections are in TIME_WAIT",
    why: "without SO_REUSEADDR bind(2) fails with EADDRINUSE for as long as TIME_WAIT lasts: one to four minutes without service",
    citations: &["socket(7) (SO_REUSEADDR)", "RFC 9293 §3.6.1", "bind(2)"],
    recipe: "connect and exchange a message; SIGKILL the server, so that it sends its FIN first; close the client; check that a bind without SO_REUSEADDR fails; start the server again, and exchange a message",
    requires: Capabilities::TCP.union(Capabilities::BINDS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let address = server.address().expect_inet().or_broken("a port")?;
    let mut client = server.connect()?;
    client.exchange(b"read to the last byte")?;
    // The side that closes first keeps the connection in TIME_WAIT: here the server, by its end or after its reply.
    let stays_open = server.spec().capabilities().contains(Capabilities::STAYS_OPEN);
    if stays_open {
        server.crash();
        await_end(&mut client);
    } else {
        client.expect_eof()?;
    }
    drop(client);
    if !stays_open {
        server.crash();
    }
    prove_time_wait(server, address)?;
    let cause = "the listener is bound without SO_REUSEADDR, and an old connection is in TIME_WAIT";
    steps::restart_and_exchange(server, cause)
}

/// Waits until the server, which was killed, has closed its end of the client's connection. A process of the server
/// may tell its clients that another one was killed.
fn await_end(client: &mut Client) {
    const LAST_WORDS: usize = 8;
    let _ = (0..LAST_WORDS).find(|_| client.expect_eof().is_ok() || client.has_ended());
}

/// Waits until a bind to the server's address without SO_REUSEADDR is refused and the kernel shows a connection in
/// TIME_WAIT. Without this proof a pass of the check would mean nothing.
fn prove_time_wait(server: &Server, address: SocketAddr) -> check::Result {
    let proven = until(server.deadlines().no_progress(), || {
        let waits = match sys::tcp_sockets(address.port()) {
            Ok(states) => states.iter().any(|(_, _, state)| *state == TcpState::TimeWait),
            Err(_) => true, // This system does not show connection states; the refused bind is the only proof.
        };
        Ok((waits && !can_bind(address)).then_some(()))
    })?;
    proven.ok_or_else(|| {
        Finding::broken(format!("a connection of {address} in TIME_WAIT"), "the port could be bound")
    })
}

/// Reports whether `address` can be bound without SO_REUSEADDR.
///
/// It binds while no process is being launched, since such a process would inherit a copy of the socket.
fn can_bind(address: SocketAddr) -> bool {
    sys::between_launches(|| {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None);
        socket.is_ok_and(|socket| socket.bind(&address.into()).is_ok())
    })
}

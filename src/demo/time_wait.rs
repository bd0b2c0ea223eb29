//! Who closes first remembers: TIME_WAIT, and what it means for a server that is restarted. RFC 9293 §3.6.1.

use std::io;
use std::net::SocketAddr;

use nix::sys::signal::Signal;
use socket2::{Domain, Socket, Type};

use super::support::{
    Demo, DemoRun, launch_failed, launch_server, select_clients, take_snapshot, tcp_address,
    tcp_table::{self, TcpEntry, between},
};
use crate::check::{self, OrFinding};
use crate::diagram::{Selection, Snapshot};
use crate::server::Server;
use crate::sys::TcpState;
use crate::text::printable;
use crate::transport::Client;

pub(super) const DEMO: Demo = Demo {
    name: "time-wait",
    says: "who closes first keeps it; a restart with and without SO_REUSEADDR",
    run,
};

const SERVER: &str = "echo-tcp";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut server = launch_server(SERVER, "tcp", demo.deadlines())?;
    let client = server.connect()?;
    the_client_closes_first(demo, &mut server, client)?;
    let client = server.connect()?;
    let remembered = the_server_closes_first(demo, &mut server, client)?;
    without_the_option(demo, remembered)?;
    with_the_option(demo, &mut server, remembered)
}

fn the_client_closes_first(demo: &mut DemoRun<'_>, server: &mut Server, mut client: Client) -> check::Result {
    demo.step("The client closes first")?;
    let (address, gone) = (tcp_address(server)?, client.local_address()?);
    demo.verify_ok("a first client is served", client.exchange(b"hello"))?;
    client.shut_down_write()?;
    demo.verify_ok("it ends its direction, and reads end of file", client.expect_eof())?;
    drop(client);
    demo.explain(
        "Both sides have called close(2), and no process holds the connection any more. But the kernel still \
         remembers it, on the side that sent the first FIN. Its last acknowledgement may be lost, and then it must be \
         there to send it again; and segments that were delayed on their way must not be taken for part of a new \
         connection with the same four-tuple. This state is TIME_WAIT. On Linux it lasts 60 seconds, elsewhere one to \
         four minutes.",
    )?;
    let claim = "the client's end is in TIME_WAIT; of the server's end nothing is left";
    remembered_by(demo, server, address, gone, claim, |end| end.local == gone)?;
    demo.explain(
        "That is as it should be: the client's port was one of many, and nobody will miss it. A busy client that \
         opens and closes connections all the time can run out of ports, though.",
    )
}

/// Claims that just one end of the connection is left, in TIME_WAIT, and shows it.
fn remembered_by(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    address: SocketAddr,
    client: SocketAddr,
    claim: &str,
    is_that: impl Fn(&TcpEntry) -> bool,
) -> check::Result {
    let snapshot = take_snapshot(&[Selection::sockets("server", server.pid()?)])?;
    let table = tcp_table::wait_until(demo, address, &[client], claim, |table| {
        let ends = between(table, address, client);
        matches!(ends[..], [end] if is_that(end) && end.state == TcpState::TimeWait)
    })?;
    tcp_table::show(demo, table, &snapshot)
}

/// Answers the address that the kernel remembers.
fn the_server_closes_first(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    mut client: Client,
) -> check::Result<SocketAddr> {
    demo.step("The server closes first")?;
    let (address, local) = (tcp_address(server)?, client.local_address()?);
    demo.verify_ok("a second client is served", client.exchange(b"hello"))?;
    server.signal_and_wait(Signal::SIGKILL)?;
    demo.explain(
        "Now the server is killed while its client is still connected (SIGKILL; a crash or a restart would do the \
         same). The kernel closes its descriptors for it, and so the first FIN is the server's. The client reads end \
         of file, and closes too.",
    )?;
    demo.verify_ok("the client reads end of file", client.expect_eof())?;
    drop(client);
    let claim = "this time it is the server's end that is in TIME_WAIT, with the server's own port";
    remembered_by(demo, server, address, local, claim, |end| end.local == address)?;
    Ok(address)
}

fn without_the_option(demo: &mut DemoRun<'_>, address: SocketAddr) -> check::Result {
    demo.step("Restarted without SO_REUSEADDR")?;
    demo.explain(&format!(
        "A new server wants the old port. No process holds it. This demo makes a socket and calls bind(2) with \
         {address}, just as such a server would:",
    ))?;
    let refused = bind(address, false).or_broken("a socket")?;
    let seen = refused.as_ref().map_or("it was allowed".into(), ToString::to_string);
    let in_use = refused.as_ref().is_some_and(|error| error.kind() == io::ErrorKind::AddrInUse);
    demo.verify("bind(2) fails with EADDRINUSE: address already in use", in_use, &seen)?;
    demo.show_lines(&[format!("bind(2): {}", printable(&seen))])?;
    demo.explain(
        "It will go on failing until TIME_WAIT is over. Whoever has seen this with a server of their own has met a \
         server that was killed with a client connected, or that always closes first. Waiting a minute \"mends\" it, \
         and so it seems to come and go.",
    )
}

/// What bind(2) has said against `address`, if anything.
fn bind(address: SocketAddr, reuse: bool) -> io::Result<Option<io::Error>> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(reuse)?;
    Ok(socket.bind(&address.into()).err())
}

fn with_the_option(demo: &mut DemoRun<'_>, server: &mut Server, address: SocketAddr) -> check::Result {
    demo.step("Restarted with SO_REUSEADDR")?;
    demo.explain(
        "The option SO_REUSEADDR, set with setsockopt(2) before bind(2), says: I know that old connections may be \
         remembered under this address; they have full four-tuples, and I only want to listen. Then bind(2) is \
         allowed while TIME_WAIT lasts. It is not allowed to take the port from a server that lives. Rust's library \
         sets it for every TcpListener, as do most; in C and in Python's socket module one has to do it oneself. \
         The server echo-tcp is started again:",
    )?;
    let restarted = server.restart().map_err(|error| launch_failed(SERVER, &error));
    demo.verify_ok(format!("echo-tcp listens on {address} again, at once"), restarted)?;
    let mut client = server.connect()?;
    demo.verify_ok("a new client is served", client.exchange(b"hello again"))?;
    let clients = [client.local_address()?];
    let snapshot =
        take_snapshot(&[Selection::sockets("server", server.pid()?), select_clients("client", [&client])])?;
    still_remembered(demo, address, &clients, &snapshot)?;
    let refused = bind(address, true).or_broken("a socket")?;
    let seen = refused.as_ref().map_or("it was allowed".into(), ToString::to_string);
    let in_use = refused.is_some_and(|error| error.kind() == io::ErrorKind::AddrInUse);
    demo.verify("and nobody else can take the port now, with the option or without", in_use, seen)
}

fn still_remembered(
    demo: &mut DemoRun<'_>,
    address: SocketAddr,
    clients: &[SocketAddr],
    snapshot: &Snapshot,
) -> check::Result {
    let claim = "the old connection is still in TIME_WAIT, beside the new listener and the new connection";
    let table = tcp_table::wait_until(demo, address, clients, claim, |table| {
        let has = |state| table.iter().any(|end| end.local == address && end.state == state);
        [TcpState::TimeWait, TcpState::Listen, TcpState::Established].into_iter().all(has)
    })?;
    tcp_table::show(demo, table, snapshot)
}

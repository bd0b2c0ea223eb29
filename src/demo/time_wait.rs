//! TIME_WAIT: the state of the side that closes first, and what it means for a restart. RFC 9293 §3.6.1.

use std::io;
use std::net::SocketAddr;

use nix::sys::signal::Signal;
use socket2::{Domain, Socket, Type};

use super::support::tcp_table::{self, TcpEntry, connections_between};
use super::support::{
    Demo, DemoRun, launch_failed, launch_server, select_clients, take_snapshot, tcp_address,
};
use crate::check::{self, OrFinding};
use crate::diagram::{ProcessSelection, Snapshot};
use crate::server::Server;
use crate::sys::TcpState;
use crate::text::printable;
use crate::transport::Client;

pub(super) const DEMO: Demo = Demo {
    name: "time-wait",
    summary: "TIME_WAIT after close; a restart with and without SO_REUSEADDR",
    run,
};

const SERVER: &str = "echo-tcp";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut server = launch_server(SERVER, "tcp", demo.deadlines())?;
    let client = server.connect()?;
    client_closes_first(demo, &mut server, client)?;
    let client = server.connect()?;
    let address = server_closes_first(demo, &mut server, client)?;
    restart_without_option(demo, address)?;
    restart_with_option(demo, &mut server, address)
}

fn client_closes_first(demo: &mut DemoRun<'_>, server: &mut Server, mut client: Client) -> check::Result {
    demo.step("The client closes first")?;
    let (address, client_address) = (tcp_address(server)?, client.local_address()?);
    demo.verify_ok("the server serves a first client", client.exchange(b"hello"))?;
    client.shut_down_write()?;
    demo.verify_ok("the client calls shutdown(2), and reads end of file", client.expect_eof())?;
    drop(client);
    demo.explain(
        "Both sides have called close(2), and no process holds the connection any more. But the kernel keeps it on the \
         side that sent the first FIN, in the state TIME_WAIT, for two reasons. If the last acknowledgement is lost, \
         the kernel must be able to send it again. And delayed segments of this connection must not be taken for \
         part of a new connection with the same four-tuple. On Linux TIME_WAIT lasts 60 seconds, on other systems one to \
         four minutes.",
    )?;
    let claim = "the client's end is in TIME_WAIT, and the server's end is gone";
    verify_time_wait(demo, server, address, client_address, claim, |end| end.local == client_address)?;
    demo.explain(
        "On this side it does no harm: the client's port was one of many, and no other program needs it. (But a client \
         that opens and closes connections all the time can run out of ports.)",
    )
}

/// Verifies that only one end of the TCP connection is left, in TIME_WAIT, and shows it.
fn verify_time_wait(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    address: SocketAddr,
    client: SocketAddr,
    claim: &str,
    is_expected: impl Fn(&TcpEntry) -> bool,
) -> check::Result {
    let snapshot = take_snapshot(&[ProcessSelection::sockets("server", server.pid()?)])?;
    let table = tcp_table::read_until(demo, address, &[client], claim, |table| {
        let ends = connections_between(table, address, client);
        matches!(ends[..], [end] if is_expected(end) && end.state == TcpState::TimeWait)
    })?;
    tcp_table::show_table(demo, table, &snapshot)
}

/// Lets the server close its connection first. Returns the address of the server, which is now in TIME_WAIT.
fn server_closes_first(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    mut client: Client,
) -> check::Result<SocketAddr> {
    demo.step("The server closes first")?;
    let (address, client_address) = (tcp_address(server)?, client.local_address()?);
    demo.verify_ok("the server serves a second client", client.exchange(b"hello"))?;
    server.signal_and_wait(Signal::SIGKILL)?;
    demo.explain(
        "Now SIGKILL kills the server while its client is connected. A crash or a restart would have the same effect: \
         the kernel closes the server's descriptors, and so the server's side sends the first FIN. The client reads \
         end of file, and closes too.",
    )?;
    demo.verify_ok("the client reads end of file", client.expect_eof())?;
    drop(client);
    let claim = "this time the server's end is in TIME_WAIT, with the server's own port";
    verify_time_wait(demo, server, address, client_address, claim, |end| end.local == address)?;
    Ok(address)
}

fn restart_without_option(demo: &mut DemoRun<'_>, address: SocketAddr) -> check::Result {
    demo.step("A restart without SO_REUSEADDR")?;
    demo.explain(&format!(
        "A new server wants to use the old port, which no process holds. This demo creates a socket and calls bind(2) \
         with {address}, as such a server would:",
    ))?;
    let refused = try_bind(address, false).or_broken("a socket")?;
    let seen = refused.as_ref().map_or("it succeeded".into(), ToString::to_string);
    let in_use = refused.as_ref().is_some_and(|error| error.kind() == io::ErrorKind::AddrInUse);
    demo.verify("bind(2) fails with EADDRINUSE: address already in use", in_use, &seen)?;
    demo.show_lines(&[format!("bind(2): {}", printable(&seen))])?;
    demo.explain(
        "It will fail until TIME_WAIT is over. If you see this error when you restart a server, the old server was \
         killed while a client was connected, or it always closes first. The error disappears after a minute, and so it \
         seems to come and go.",
    )
}

/// Calls bind(2) on a new socket, with SO_REUSEADDR if `reuse` is set. Returns its error, if it fails.
fn try_bind(address: SocketAddr, reuse: bool) -> io::Result<Option<io::Error>> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(reuse)?;
    Ok(socket.bind(&address.into()).err())
}

fn restart_with_option(demo: &mut DemoRun<'_>, server: &mut Server, address: SocketAddr) -> check::Result {
    demo.step("A restart with SO_REUSEADDR")?;
    demo.explain(
        "The option SO_REUSEADDR, set with setsockopt(2) before bind(2), allows bind(2) while old connections of this \
         address are in TIME_WAIT. This is safe: they have complete four-tuples, and the new socket only listens. The \
         option does not allow a server to take the port of a running server. Rust's standard library sets it for \
         every TcpListener, as do most libraries. In C, and with Python's module socket, the program must set it. Now \
         the server echo-tcp is started again:",
    )?;
    let restarted = server.restart().map_err(|error| launch_failed(SERVER, &error));
    demo.verify_ok(format!("echo-tcp listens on {address} again, at once"), restarted)?;
    let mut client = server.connect()?;
    demo.verify_ok("the server serves a new client", client.exchange(b"hello again"))?;
    let clients = [client.local_address()?];
    let snapshot = take_snapshot(&[
        ProcessSelection::sockets("server", server.pid()?),
        select_clients("client", [&client]),
    ])?;
    verify_old_connection(demo, address, &clients, &snapshot)?;
    let refused = try_bind(address, true).or_broken("a socket")?;
    let seen = refused.as_ref().map_or("it succeeded".into(), ToString::to_string);
    let in_use = refused.is_some_and(|error| error.kind() == io::ErrorKind::AddrInUse);
    demo.verify("no other process can bind the port now, even with the option", in_use, seen)
}

fn verify_old_connection(
    demo: &mut DemoRun<'_>,
    address: SocketAddr,
    clients: &[SocketAddr],
    snapshot: &Snapshot,
) -> check::Result {
    let claim =
        "the old connection is still in TIME_WAIT, beside the new listening socket and the new connection";
    let table = tcp_table::read_until(demo, address, clients, claim, |table| {
        let has = |state| table.iter().any(|end| end.local == address && end.state == state);
        [TcpState::TimeWait, TcpState::Listen, TcpState::Established].into_iter().all(has)
    })?;
    tcp_table::show_table(demo, table, snapshot)
}

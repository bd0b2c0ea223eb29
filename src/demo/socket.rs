//! A conversation over TCP from the first system call to the last, on both sides. socket(7), tcp(7).

use std::net::SocketAddr;

use super::support::{
    Demo, DemoRun, SyscallTrace, TCP_CLIENT, TcpClient, launch_spec, server_spec, tcp_address,
};
use crate::check::{self, Finding};
use crate::diagram::{Process, Row, Selection, Snapshot};
use crate::server::{Server, Start};

pub(super) const DEMO: Demo =
    Demo { name: "socket", says: "each system call of a TCP conversation, on both sides", run };

const SERVER: &str = "echo-tcp";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut trace = SyscallTrace::new()?;
    let server = server_spec(SERVER, "tcp", Start::Bind)?.wrapped_in(trace.command_prefix("server"));
    let mut server = launch_spec(SERVER, &server, demo.deadlines())?;
    let address = tcp_address(&server)?;
    the_server_listens(demo, &mut trace, &mut server, address)?;
    let words = trace.command_prefix("client");
    let mut client = TcpClient::launch_with(&words, address, None, demo.deadlines())?;
    the_client_connects(demo, &mut trace, &mut server, &client, address)?;
    they_talk(demo, &mut trace, &mut client)?;
    they_part(demo, &mut trace, &mut server, client)
}

fn the_server_listens(
    demo: &mut DemoRun<'_>,
    trace: &mut SyscallTrace,
    server: &mut Server,
    address: SocketAddr,
) -> check::Result {
    demo.step("The server: socket, bind, listen, accept")?;
    demo.explain(&how_it_is_seen(trace))?;
    demo.explain(&format!(
        "socket(2) makes a socket and gives back a descriptor for it, the lowest number that is free: 3, since 0, \
         1 and 2 are taken. The socket has no address yet. bind(2) gives it one, {address}. listen(2) makes it a \
         listening socket: from now on the kernel takes connections in for it, and lets so many wait as the \
         second argument says. Then the server calls accept(2) and sleeps, for nobody is there.",
    ))?;
    trace.wait_until_called(demo, &[("server", &["socket", "bind", "listen"])])?;
    let shown = [Selection::sockets("server", server.pid()?)];
    let snapshot =
        demo.wait_until(&shown, "the server has exactly one socket, and it listens", |snapshot| {
            let sockets: Vec<_> =
                snapshot.process("server").into_iter().flat_map(Process::tcp_sockets).collect();
            matches!(sockets[..], [socket] if socket.listens() && socket.local_address() == Some(address))
        })?;
    demo.wait_until_blocked(server.pid()?, "accept", "the server sleeps in accept(2)")?;
    demo.show(&snapshot)
}

fn how_it_is_seen(trace: &SyscallTrace) -> String {
    match trace.unavailable() {
        None => "The program strace(1) watches both sides, and what it has seen is shown as it writes it, with \
                 all arguments and, behind the equals sign, the answer, in the order in which the calls returned. Left \
                 out is only what concerns no socket."
            .into(),
        Some(refusal) => format!(
            "The system calls themselves cannot be shown here: {refusal}. What is said of them below is the \
             programs' own account, as it stands in their sources; what came of them the boxes show, and they \
             are drawn from the kernel.",
        ),
    }
}

fn the_client_connects(
    demo: &mut DemoRun<'_>,
    trace: &mut SyscallTrace,
    server: &mut Server,
    client: &TcpClient,
    address: SocketAddr,
) -> check::Result {
    demo.step("The client: socket, connect. The server: accept returns")?;
    demo.explain(&format!(
        "Another process, {TCP_CLIENT}, calls socket(2) and then connect(2) with the server's address. It has not \
         called bind(2), so connect(2) also gives its socket an address with a free port. The two \
         kernels (here it is one) shake hands, and connect(2) returns. On the other side accept(2) returns: a new descriptor for \
         a new socket, which is the server's end of this one connection. The listening socket is as it was.",
    ))?;
    trace.wait_until_called(demo, &[("client", &["socket", "connect"]), ("server", &["accept"])])?;
    let shown = [Selection::sockets("server", server.pid()?), Selection::sockets("client", client.pid())];
    let claim = "the server now has two descriptors for two sockets: one listens, the other is connected";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        snapshot.process("server").is_some_and(|process| process.has_tcp_sockets(1, 1))
            && ends(snapshot).is_some()
    })?;
    let locals = snapshot.process("server").into_iter().flat_map(Process::tcp_sockets);
    let locals: Vec<_> = locals.filter_map(Row::local_address).collect();
    demo.verify("both have the same local address and port", locals == [address; 2], &snapshot)?;
    let joined = ends(&snapshot)
        .is_some_and(|(one, other)| snapshot.holders_are(&[("server", one), ("client", other)]));
    let claim = "the connected one and the client's socket have the same two addresses the other way round";
    demo.verify(claim, joined, &snapshot)?;
    demo.show(&snapshot)?;
    demo.explain(
        "So a port is not a descriptor, and it does not belong to one socket: what tells connections apart is the \
         four-tuple of both addresses and both ports (see the demo many-clients).",
    )
}

/// The descriptors of the connection at both ends.
fn ends(snapshot: &Snapshot) -> Option<(i32, i32)> {
    let one = |label| snapshot.process(label)?.connections().next().map(|(number, _)| number);
    Some((one("server")?, one("client")?))
}

fn they_talk(demo: &mut DemoRun<'_>, trace: &mut SyscallTrace, client: &mut TcpClient) -> check::Result {
    demo.step("They talk: write, read, write, read")?;
    demo.explain(
        "The client writes to its descriptor. The kernel copies the bytes and carries them to the other socket, \
         where the server's read(2), until now asleep, returns with them. The server writes them back. (Rust's \
         library, like many, calls recvfrom(2) and sendto(2) without an address: on a connection they are \
         read(2) and write(2) with one argument more, for options.)",
    )?;
    let echoed = client.stdio.exchange(b"hello, socket\n");
    demo.verify_ok("\"hello, socket\" came back, byte for byte", echoed)?;
    trace.wait_until_called(demo, &[("client", &["write", "read"]), ("server", &["read", "write"])])
}

fn they_part(
    demo: &mut DemoRun<'_>,
    trace: &mut SyscallTrace,
    server: &mut Server,
    mut client: TcpClient,
) -> check::Result {
    demo.step("They part: shutdown, read 0, close")?;
    demo.explain(
        "The client has come to the end of its input. It calls shutdown(2) with SHUT_WR: no more from me. That is \
         a FIN on the wire, and the server's read(2) returns 0: end of file. The server has nothing more to say \
         either, and calls close(2) on the connected socket. Now the client reads 0, and closes its own. The \
         listening socket has had no part in any of this: the next client can come.",
    )?;
    client.stdio.shut_down_write()?;
    demo.verify_ok("the client reads end of file", client.stdio.expect_eof())?;
    demo.verify_exit("the client has ended by itself, with exit status 0", &mut client.instance)?;
    let parting = [("client", &["shutdown", "read", "close"][..]), ("server", &["read", "close"][..])];
    trace.wait_until_called(demo, &parting)?;
    let shown = [Selection::sockets("server", server.pid()?), Selection::sockets("client", client.pid())];
    let claim = "the server has its listening socket left, and no other";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        snapshot.process("server").is_some_and(|process| process.has_tcp_sockets(1, 0))
    })?;
    demo.show(&snapshot)?;
    let mut next = server.connect()?;
    let served = next.exchange(b"next, please");
    demo.verify_ok("the next client is served at the same port", served).map_err(unserved)
}

fn unserved(finding: Finding) -> Finding {
    finding.because("the server had served one client before")
}

//! A TCP conversation, system call by system call, on both sides. socket(7), tcp(7).

use std::net::SocketAddr;

use super::support::{
    Demo, DemoRun, SyscallTrace, TCP_CLIENT, TcpClient, launch_spec, server_spec, tcp_address,
};
use crate::check::{self, Finding};
use crate::diagram::{DescriptorRow, Process, ProcessSelection, Snapshot};
use crate::server::{Server, Start};

pub(super) const DEMO: Demo =
    Demo { name: "socket", summary: "every system call of a TCP conversation, on both sides", run };

const SERVER: &str = "echo-tcp";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut trace = SyscallTrace::new()?;
    let server = server_spec(SERVER, "tcp", Start::Bind)?.wrapped_in(trace.command_prefix("server"));
    let mut server = launch_spec(SERVER, &server, demo.deadlines())?;
    let address = tcp_address(&server)?;
    server_listens(demo, &mut trace, &mut server, address)?;
    let prefix = trace.command_prefix("client");
    let mut client = TcpClient::launch_with(&prefix, address, None, demo.deadlines())?;
    client_connects(demo, &mut trace, &mut server, &client, address)?;
    message_is_echoed(demo, &mut trace, &mut client)?;
    both_close(demo, &mut trace, &mut server, client)
}

fn server_listens(
    demo: &mut DemoRun<'_>,
    trace: &mut SyscallTrace,
    server: &mut Server,
    address: SocketAddr,
) -> check::Result {
    demo.step("The server: socket, bind, listen, accept")?;
    demo.explain(&source_of_calls(trace))?;
    demo.explain(&format!(
        "socket(2) creates a socket and returns a descriptor for it: 3, the lowest free number, because 0, 1 and 2 are \
         in use. The socket has no address yet. bind(2) gives it the address {address}. listen(2) makes it a \
         listening socket: from now on the kernel accepts connections for it, and keeps them in a queue. The second \
         argument, the backlog, limits the length of this queue. Then the server calls accept(2). It blocks, because \
         the queue is empty.",
    ))?;
    trace.wait_until_called(demo, &[("server", &["socket", "bind", "listen"])])?;
    let shown = [ProcessSelection::sockets("server", server.pid()?)];
    let snapshot =
        demo.wait_until(&shown, "the server has exactly one socket, and it listens", |snapshot| {
            let sockets: Vec<_> =
                snapshot.process("server").into_iter().flat_map(Process::tcp_sockets).collect();
            matches!(sockets[..], [socket] if socket.listens() && socket.local_address() == Some(address))
        })?;
    demo.wait_until_blocked(server.pid()?, "accept", "the server is blocked in accept(2)")?;
    demo.show(&snapshot)
}

fn source_of_calls(trace: &SyscallTrace) -> String {
    match trace.unavailable() {
        None => "strace(1) records the system calls of both sides. They are shown as strace prints them: all \
                 arguments, and the return value after the equals sign, in the order in which the calls returned. \
                 Calls that concern no socket are left out."
            .into(),
        Some(reason) => format!(
            "The system calls cannot be shown here: {reason}. The text below describes them after the source code of \
             the programs. The boxes show their effect; they are drawn from the kernel.",
        ),
    }
}

fn client_connects(
    demo: &mut DemoRun<'_>,
    trace: &mut SyscallTrace,
    server: &mut Server,
    client: &TcpClient,
    address: SocketAddr,
) -> check::Result {
    demo.step("The client: socket, connect. The server: accept returns")?;
    demo.explain(&format!(
        "Another process, {TCP_CLIENT}, calls socket(2), and then connect(2) with the server's address. It has not \
         called bind(2), so connect(2) also gives its socket an address, with a free port. The kernels of both sides \
         (here the same one) perform the TCP handshake, and connect(2) returns. On the server's side accept(2) \
         returns a new descriptor for a new socket, the server's end of this one connection. The listening socket \
         does not change.",
    ))?;
    trace.wait_until_called(demo, &[("client", &["socket", "connect"]), ("server", &["accept"])])?;
    let shown = [
        ProcessSelection::sockets("server", server.pid()?),
        ProcessSelection::sockets("client", client.pid()),
    ];
    let claim = "the server now has two descriptors for two sockets: one listens, the other is connected";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        snapshot.process("server").is_some_and(|process| process.has_tcp_sockets(1, 1))
            && ends(snapshot).is_some()
    })?;
    let locals = snapshot.process("server").into_iter().flat_map(Process::tcp_sockets);
    let locals: Vec<_> = locals.filter_map(DescriptorRow::local_address).collect();
    demo.verify("both have the same local address and port", locals == [address; 2], &snapshot)?;
    let joined = ends(&snapshot)
        .is_some_and(|(one, other)| snapshot.is_held_by_exactly(&[("server", one), ("client", other)]));
    let claim = "the connected socket and the client's have the same two addresses, in opposite order";
    demo.verify(claim, joined, &snapshot)?;
    demo.show(&snapshot)?;
    demo.explain(
        "So a port is not a descriptor, and several sockets can use one port. The kernel tells connections apart by \
         their four-tuple: both addresses and both ports (see the demo many-clients).",
    )
}

/// Returns the descriptors at both ends of the connection: the server's and the client's.
fn ends(snapshot: &Snapshot) -> Option<(i32, i32)> {
    let one = |label| snapshot.process(label)?.connections().next().map(|(number, _)| number);
    Some((one("server")?, one("client")?))
}

fn message_is_echoed(
    demo: &mut DemoRun<'_>,
    trace: &mut SyscallTrace,
    client: &mut TcpClient,
) -> check::Result {
    demo.step("They exchange a message: write, read, write, read")?;
    demo.explain(
        "The client writes to its descriptor. The kernel copies the bytes and delivers them to the other socket. There \
         the server's read(2), which was blocked, returns them. The server writes them back. (Rust's standard library \
         uses recvfrom(2) and sendto(2) without an address. On a connection they do the same as read(2) and \
         write(2), with one more argument for flags.)",
    )?;
    let echoed = client.stdio.exchange(b"hello, socket\n");
    demo.verify_ok("\"hello, socket\" came back, byte for byte", echoed)?;
    trace.wait_until_called(demo, &[("client", &["write", "read"]), ("server", &["read", "write"])])
}

fn both_close(
    demo: &mut DemoRun<'_>,
    trace: &mut SyscallTrace,
    server: &mut Server,
    mut client: TcpClient,
) -> check::Result {
    demo.step("They close: shutdown, read returns 0, close")?;
    demo.explain(
        "The client has reached the end of its input. It calls shutdown(2) with SHUT_WR: it will send no more. The \
         kernel sends a FIN, and the server's read(2) returns 0: end of file. The server has nothing more to send \
         either, and calls close(2) on the connected socket. Now the client's read(2) returns 0, and it closes its \
         socket. The listening socket has not changed: the next client can connect.",
    )?;
    client.stdio.shut_down_write()?;
    demo.verify_ok("the client reads end of file", client.stdio.expect_eof())?;
    demo.verify_exit("the client has exited by itself, with exit status 0", &mut client.instance)?;
    let calls = [("client", &["shutdown", "read", "close"][..]), ("server", &["read", "close"][..])];
    trace.wait_until_called(demo, &calls)?;
    let shown = [
        ProcessSelection::sockets("server", server.pid()?),
        ProcessSelection::sockets("client", client.pid()),
    ];
    let claim = "the server has only its listening socket left";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        snapshot.process("server").is_some_and(|process| process.has_tcp_sockets(1, 0))
    })?;
    demo.show(&snapshot)?;
    let mut next = server.connect()?;
    let echoed = next.exchange(b"next, please");
    demo.verify_ok("the server serves the next client on the same port", echoed)
        .map_err(|finding: Finding| finding.because("the server has served one client before"))
}

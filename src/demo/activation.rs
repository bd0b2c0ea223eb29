//! Socket activation: a listening socket that outlives its server, passed as descriptor 3. sd_listen_fds(3).

use std::net::SocketAddr;
use std::os::fd::RawFd;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::support::tcp_table::{self, connections_between};
use super::support::{
    Demo, DemoRun, TcpClient, launch_failed, launch_server, launch_spec, server_spec, tcp_address,
};
use crate::check::{self, Finding};
use crate::diagram::{DescriptorRow, Process, ProcessSelection, Snapshot, cannot_read};
use crate::outcome::Outcome;
use crate::server::{Server, Start};
use crate::sys::{self, Object, Socket, SocketName, TcpState};

pub(super) const DEMO: Demo = Demo {
    name: "activation",
    summary: "a listening socket passed as fd 3; a restart that loses no client",
    run,
};

const SERVER: &str = "echo-tcp-activated";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let spec = server_spec(SERVER, "tcp", Start::ListenFds)?;
    let mut server = launch_spec(SERVER, &spec, demo.deadlines())?;
    let manager = Manager::new(tcp_address(&server)?)?;
    socket_is_passed(demo, &mut server, &manager)?;
    client_is_served(demo, &mut server, &manager)?;
    let waiting = client_connects_without_server(demo, &mut server, &manager)?;
    next_server_serves_it(demo, &mut server, &manager, waiting)?;
    drop(server);
    server_with_own_socket(demo)
}

/// The service manager of a demo, which is this process: it has created the listening socket, and keeps it.
struct Manager {
    address: SocketAddr,
    descriptor: RawFd,
}

impl Manager {
    /// Finds the service manager's listening socket in this process.
    fn new(address: SocketAddr) -> check::Result<Manager> {
        let table =
            sys::descriptors(Pid::this()).map_err(|error| cannot_read("a descriptor table", &error))?;
        let socket = table.iter().find(|descriptor| match &descriptor.object {
            Object::Socket(Socket { listening: true, name: SocketName::Tcp(local, _), .. }) => {
                *local == address
            }
            _ => false,
        });
        let socket =
            socket.ok_or_else(|| Finding::broken("the listening socket", "this process does not have it"))?;
        Ok(Manager { address, descriptor: socket.number })
    }

    fn selection(&self) -> ProcessSelection {
        ProcessSelection::select_this_process("manager").and_number(self.descriptor)
    }

    fn shown(&self, server: &mut Server) -> check::Result<[ProcessSelection; 2]> {
        Ok([self.selection(), ProcessSelection::all("server", server.pid()?)])
    }
}

fn socket_is_passed(demo: &mut DemoRun<'_>, server: &mut Server, manager: &Manager) -> check::Result {
    demo.step("The manager passes a socket")?;
    demo.explain(&format!(
        "This demo is the service manager, like systemd. It has called socket(2), bind(2) with {}, and listen(2). Only \
         then has it started the server {SERVER}: it has called fork(2), dup2(2) to make the socket descriptor 3 of the \
         new process, and execve(2), which keeps the descriptor open. Now both processes hold the same socket: one \
         object in the kernel, with a descriptor in each table. (One thread of the server is blocked in accept(2). \
         The lower edge of the box shows the state of the main thread, which waits for that thread.)",
        manager.address,
    ))?;
    let shown = manager.shown(server)?;
    let number = manager.descriptor;
    let claim = format!(
        "the manager's descriptor {number} and the server's descriptor 3 are the same socket, and it listens"
    );
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        snapshot.is_held_by_exactly(&[("manager", number), ("server", 3)])
            && snapshot.row("server", 3).is_some_and(DescriptorRow::listens)
    })?;
    demo.show(&snapshot)?;
    demo.explain(
        "Two environment variables tell the server about it: LISTEN_FDS is the number of passed sockets, and LISTEN_PID \
         the process that they are for. A child of the server inherits the variables too. It compares LISTEN_PID with \
         its own process id, and so does not use the socket by mistake.",
    )?;
    let pid = server.pid()?;
    let variables = [("LISTEN_FDS", "1".to_owned()), ("LISTEN_PID", pid.to_string())];
    for (name, value) in &variables {
        let found =
            sys::has_env_var(pid, name, value).map_err(|error| cannot_read("an environment", &error))?;
        demo.verify(format!("the server's environment contains {name}={value}"), found, "it does not")?;
    }
    demo.explain(
        "The server has called neither socket(2) nor bind(2) nor listen(2). So it needs no privilege for a port below \
         1024, and its start cannot fail because the port is in use.",
    )
}

fn client_is_served(demo: &mut DemoRun<'_>, server: &mut Server, manager: &Manager) -> check::Result {
    demo.step("The server serves a client")?;
    demo.explain(
        "A client connects: another process, echo-tcp-client. Both manager and server could call accept(2), for there is \
         one socket with one queue of waiting connections. But the manager does not. (A manager can also wait for the \
         first client with poll(2), and only then start the server. This is called socket activation.)",
    )?;
    let mut client = TcpClient::launch(manager.address, None, demo.deadlines())?;
    demo.verify_ok("the client gets back \"hello\"", client.stdio.exchange(b"hello"))?;
    let [shown_manager, shown_server] = manager.shown(server)?;
    let shown = [shown_manager, shown_server, ProcessSelection::sockets("client", client.pid())];
    let claim = "only the server holds the connection";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        let connections = |label| snapshot.process(label).into_iter().flat_map(Process::connections).count();
        snapshot.process("server").is_some_and(|process| process.has_tcp_sockets(1, 1))
            && connections("server") == 1
    })?;
    demo.show(&snapshot)
}

/// Connects a client before any server runs, and returns the client, which waits for a server.
fn client_connects_without_server(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    manager: &Manager,
) -> check::Result<TcpClient> {
    demo.step("A client connects while there is no server")?;
    server.signal_and_wait(Signal::SIGKILL)?;
    demo.explain(
        "SIGKILL kills the server, for example to replace it by a new version. The kernel closes its descriptors. But \
         the manager still holds the socket, and so it still listens. Now a client connects and sends \"is anybody \
         there?\".",
    )?;
    let mut client = TcpClient::launch(manager.address, None, demo.deadlines())?;
    client.stdio.send(WAITING)?;
    let shown = [manager.selection(), ProcessSelection::sockets("client", client.pid())];
    let claim = "the client has a connected socket, although there is no server";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| client_address(snapshot).is_some())?;
    let address = manager.address;
    let client_address = client_address(&snapshot).unwrap_or(address);
    let claim = "both ends of the connection are ESTABLISHED, and no process holds the server's end";
    let table = tcp_table::read_until(demo, address, &[client_address], claim, |table| {
        let ends = connections_between(table, address, client_address);
        ends.len() == 2 && ends.iter().all(|end| end.state == TcpState::Established)
    })?;
    tcp_table::show_table(demo, table, &snapshot)?;
    demo.explain(
        "The kernel has performed the TCP handshake for the listening socket. It keeps the new connection, and the bytes \
         that the client has sent, in the queue of the listening socket until a process calls accept(2). The backlog, \
         the second argument of listen(2), limits the length of this queue.",
    )?;
    Ok(client)
}

/// The message of a demo's client that connects while there is no server.
const WAITING: &[u8] = b"is anybody there?";

/// Returns the local address of the client's connected socket.
fn client_address(snapshot: &Snapshot) -> Option<SocketAddr> {
    snapshot.process("client")?.tcp_sockets().next()?.local_address()
}

fn next_server_serves_it(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    manager: &Manager,
    mut client: TcpClient,
) -> check::Result {
    demo.step("The next server serves the waiting client")?;
    demo.explain(
        "The manager starts the server again, with the same socket as descriptor 3. The first accept(2) returns at once, \
         with the connection of the waiting client.",
    )?;
    let restarted = server.restart().map_err(|error| launch_failed(SERVER, &error));
    demo.verify_ok("the new server has started", restarted)?;
    let answer = client.stdio.expect(WAITING);
    demo.verify_ok("the client that connected without a server gets its answer", answer)?;
    let [shown_manager, shown_server] = manager.shown(server)?;
    let snapshot = demo.wait_until(
        &[shown_manager, shown_server, ProcessSelection::sockets("client", client.pid())],
        "its connection is now a descriptor of the new server",
        |snapshot| snapshot.process("server").is_some_and(|process| process.has_tcp_sockets(1, 1)),
    )?;
    demo.show(&snapshot)?;
    demo.explain("The client has noticed only a delay. No connection was refused, and none was lost.")
}

fn server_with_own_socket(demo: &mut DemoRun<'_>) -> check::Result {
    demo.step("For comparison: a server that binds its own socket")?;
    let mut server = launch_server("echo-tcp", "tcp", demo.deadlines())?;
    demo.verify_ok("echo-tcp serves a client", server.connect()?.exchange(b"hello"))?;
    server.signal_and_wait(Signal::SIGKILL)?;
    demo.explain(
        "echo-tcp has created its own listening socket, and no other process holds it. When SIGKILL kills the server, the \
         kernel closes the socket, and with it the queue of waiting clients.",
    )?;
    let refused = server.connect().map(drop);
    let (holds, seen) = match &refused {
        Ok(()) => (false, "it succeeded".to_owned()),
        Err(finding) => (finding.outcome == Outcome::Fail, finding.actual.clone()),
    };
    demo.verify("the next client's connect(2) fails with ECONNREFUSED", holds, &seen)?;
    demo.show_lines(&[format!("connect(2): {seen}")])
}

//! A listening socket that outlives its server: passed as descriptor 3. sd_listen_fds(3).

use std::net::SocketAddr;
use std::os::fd::RawFd;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::support::{
    Demo, DemoRun, TcpClient, launch_failed, launch_server, launch_spec, server_spec, tcp_address,
    tcp_table::{self, between},
};
use crate::check::{self, Finding};
use crate::diagram::{Process, Row, Selection, Snapshot, cannot_read};
use crate::outcome::Outcome;
use crate::server::{Server, Start};
use crate::sys::{self, Object, Socket, SocketName, TcpState};

pub(super) const DEMO: Demo = Demo {
    name: "activation",
    says: "a listening socket passed as fd 3, and a restart that loses nobody",
    run,
};

const SERVER: &str = "echo-tcp-activated";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let spec = server_spec(SERVER, "tcp", Start::ListenFds)?;
    let mut server = launch_spec(SERVER, &spec, demo.deadlines())?;
    let manager = Manager::find(tcp_address(&server)?)?;
    the_socket_is_passed(demo, &mut server, &manager)?;
    a_client_is_served(demo, &mut server, &manager)?;
    let waiting = a_client_comes_while_it_is_away(demo, &mut server, &manager)?;
    the_next_one_serves_it(demo, &mut server, &manager, waiting)?;
    drop(server);
    a_server_that_binds_itself(demo)
}

/// This demo in the part of a service manager: it has made the listening socket, and keeps it.
struct Manager {
    address: SocketAddr,
    descriptor: RawFd,
}

impl Manager {
    fn find(address: SocketAddr) -> check::Result<Manager> {
        let table =
            sys::descriptors(Pid::this()).map_err(|error| cannot_read("a descriptor table", &error))?;
        let ours = table.iter().find(|descriptor| match &descriptor.object {
            Object::Socket(Socket { listening: true, name: SocketName::Tcp(local, _), .. }) => {
                *local == address
            }
            _ => false,
        });
        let ours = ours.ok_or_else(|| Finding::broken("the listening socket", "this process has none"))?;
        Ok(Manager { address, descriptor: ours.number })
    }

    fn actor(&self) -> Selection {
        Selection::this_process("manager").and_number(self.descriptor)
    }

    fn shown(&self, server: &mut Server) -> check::Result<[Selection; 2]> {
        Ok([self.actor(), Selection::all("server", server.pid()?)])
    }
}

fn the_socket_is_passed(demo: &mut DemoRun<'_>, server: &mut Server, manager: &Manager) -> check::Result {
    demo.step("A socket is passed")?;
    demo.explain(&format!(
        "This demo plays a service manager, such as systemd. It has called socket(2), bind(2) with {}, and listen(2), \
         and only then has it started the server {SERVER}: fork(2), dup2(2) to move the socket to number 3 in the new \
         process, and execve(2), which leaves it open. Both processes now hold one and the same socket; it has one \
         number in the kernel, and a descriptor in each table. (The server has a thread that sleeps in accept(2); its main \
         thread, whose place stands under its box, waits for that thread.)",
        manager.address,
    ))?;
    let shown = manager.shown(server)?;
    let number = manager.descriptor;
    let claim = format!(
        "the manager's descriptor {number} and the server's descriptor 3 are one socket, and it listens"
    );
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        snapshot.holders_are(&[("manager", number), ("server", 3)])
            && snapshot.row("server", 3).is_some_and(Row::listens)
    })?;
    demo.show(&snapshot)?;
    demo.explain(
        "How does the server know? Two environment variables say that one socket is passed, and to which process: \
         a child of the server that merely inherits the environment must not take it for its own.",
    )?;
    let pid = server.pid()?;
    let told = [("LISTEN_FDS", "1".to_owned()), ("LISTEN_PID", pid.to_string())];
    for (name, value) in &told {
        let found =
            sys::has_env_var(pid, name, value).map_err(|error| cannot_read("an environment", &error))?;
        demo.verify(format!("the server's environment holds {name}={value}"), found, "it does not")?;
    }
    demo.explain(
        "The server has called neither socket(2) nor bind(2) nor listen(2). It needs no privilege for a port below \
         1024, and cannot find its port taken.",
    )
}

fn a_client_is_served(demo: &mut DemoRun<'_>, server: &mut Server, manager: &Manager) -> check::Result {
    demo.step("A client is served")?;
    demo.explain(
        "A client connects: another process, echo-tcp-client. Manager and server both could accept(2) it, for it is one socket with one queue of \
         waiting connections; but the manager only watches. (A manager may also wait for the first client with \
         poll(2), and only then start the server: hence the name, socket activation.)",
    )?;
    let mut client = TcpClient::launch(manager.address, None, demo.deadlines())?;
    demo.verify_ok("the client gets back \"hello\"", client.stdio.exchange(b"hello"))?;
    let [watching, serving] = manager.shown(server)?;
    let shown = [watching, serving, Selection::sockets("client", client.pid())];
    let claim = "the server alone holds the connection";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        let connections = |label| snapshot.process(label).into_iter().flat_map(Process::connections).count();
        snapshot.process("server").is_some_and(|process| process.has_tcp_sockets(1, 1))
            && connections("server") == 1
    })?;
    demo.show(&snapshot)
}

fn a_client_comes_while_it_is_away(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    manager: &Manager,
) -> check::Result<TcpClient> {
    demo.step("The server is away, and a client comes")?;
    server.signal_and_wait(Signal::SIGKILL)?;
    demo.explain(
        "The server is killed, to be replaced by a new version, say. Its descriptors are closed. But the socket is \
         still held by the manager, and so it goes on listening. Now a client connects and sends \"anybody there?\".",
    )?;
    let mut client = TcpClient::launch(manager.address, None, demo.deadlines())?;
    client.stdio.send(b"anybody there?")?;
    let shown = [manager.actor(), Selection::sockets("client", client.pid())];
    let claim = "the client has a connected socket, although there is no server";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| local(snapshot).is_some())?;
    let address = manager.address;
    let local = local(&snapshot).unwrap_or(address);
    let claim = "the connection is ESTABLISHED at both ends, and no process holds the server's end";
    let table = tcp_table::wait_until(demo, address, &[local], claim, |table| {
        let ends = between(table, address, local);
        ends.len() == 2 && ends.iter().all(|end| end.state == TcpState::Established)
    })?;
    tcp_table::show(demo, table, &snapshot)?;
    demo.explain(
        "The kernel has shaken hands for the socket, and keeps the new connection, and what the client has sent, in the \
         listening socket's queue until somebody calls accept(2). That queue is what the backlog of listen(2) bounds.",
    )?;
    Ok(client)
}

/// The address of the client's connected socket.
fn local(snapshot: &Snapshot) -> Option<SocketAddr> {
    snapshot.process("client")?.tcp_sockets().next()?.local_address()
}

fn the_next_one_serves_it(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    manager: &Manager,
    mut client: TcpClient,
) -> check::Result {
    demo.step("The next server serves it")?;
    demo.explain(
        "The manager starts the server again, with the same socket as its descriptor 3. The first accept(2) \
         returns at once, with the client that has been waiting.",
    )?;
    let restarted = server.restart().map_err(|error| launch_failed(SERVER, &error));
    demo.verify_ok("the new server has started", restarted)?;
    let answer = client.stdio.expect(b"anybody there?");
    demo.verify_ok("the client that came while there was no server gets its answer", answer)?;
    let [watching, serving] = manager.shown(server)?;
    let snapshot = demo.wait_until(
        &[watching, serving, Selection::sockets("client", client.pid())],
        "its connection is now a descriptor of the new server",
        |snapshot| snapshot.process("server").is_some_and(|process| process.has_tcp_sockets(1, 1)),
    )?;
    demo.show(&snapshot)?;
    demo.explain("The client has noticed nothing but a delay. No connection was refused, and none was lost.")
}

fn a_server_that_binds_itself(demo: &mut DemoRun<'_>) -> check::Result {
    demo.step("The same with a server that binds its own socket")?;
    let mut server = launch_server("echo-tcp", "tcp", demo.deadlines())?;
    demo.verify_ok("echo-tcp serves a client", server.connect()?.exchange(b"hello"))?;
    server.signal_and_wait(Signal::SIGKILL)?;
    demo.explain(
        "The listening socket of echo-tcp was its own, held by nobody else. It was closed when the server was \
         killed, and with it the queue of those who waited.",
    )?;
    let refused = server.connect().map(drop);
    let (is_so, seen) = match &refused {
        Ok(()) => (false, "it was accepted".to_owned()),
        Err(finding) => (finding.outcome == Outcome::Fail, finding.actual.clone()),
    };
    demo.verify("the next client's connect(2) is refused: ECONNREFUSED", is_so, &seen)?;
    demo.show_lines(&[format!("connect(2): {seen}")])
}

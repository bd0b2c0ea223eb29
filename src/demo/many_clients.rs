//! One server port and many connections: how the kernel tells them apart, and who serves which. tcp(7), accept(2).

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use nix::unistd::Pid;

use super::support::tcp_table::{self, TcpEntry};
use super::support::{Demo, DemoRun, TcpClient, launch_server, select_clients, take_snapshot, tcp_address};
use crate::check::{self, Finding};
use crate::deadline::until;
use crate::diagram::{DescriptorRow, Process, ProcessSelection, Snapshot};
use crate::server::Server;
use crate::sys::{self, SleepingThread};
use crate::transport::{Client, ReservedAddress, is_loopback_address};

pub(super) const DEMO: Demo =
    Demo { name: "many-clients", summary: "one server port, many connections, and who serves which", run };

const CLIENTS: [&str; 3] = ["client 1", "client 2", "client 3"];

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut server = launch_server("echo-tcp", "tcp", demo.deadlines())?;
    let reserved = server.reserve_another()?;
    let sources = source_addresses(&reserved);
    let address = tcp_address(&server)?;
    let pid = server.pid()?;
    let [first, second, third] = sources.map(|source| connect(demo, pid, address, source));
    let mut clients = [first?, second?, third?];
    three_clients_one_port(demo, &mut server, &clients, sources)?;
    own_answer_for_each(demo, &mut clients)?;
    one_thread_for_each(demo, &mut server, &clients)?;
    drop((clients, server));
    one_process_for_each(demo)
}

/// Launches a client and waits until the server has accepted it, so that the server's descriptors have the order of
/// the clients.
fn connect(
    demo: &DemoRun<'_>,
    server: Pid,
    address: SocketAddr,
    source: SocketAddr,
) -> check::Result<TcpClient> {
    let sockets = || {
        let snapshot = take_snapshot(&[ProcessSelection::sockets("server", server)])?;
        Ok(snapshot.process("server").map_or(0, |process| process.tcp_sockets().count()))
    };
    let before = sockets()?;
    let client = TcpClient::launch(address, Some(source), demo.deadlines())?;
    let accepted = until(demo.deadlines().no_progress(), || Ok((sockets()? > before).then_some(())))?;
    accepted.ok_or_else(|| Finding::timeout("the server accepts the client", "it does not"))?;
    Ok(client)
}

/// Returns the source addresses of the demo's three clients. The first two have the port of `reserved`, if this system
/// has two loopback addresses. The kernel gives that port to no other client.
fn source_addresses(reserved: &ReservedAddress) -> [SocketAddr; 3] {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    match reserved.address.inet().filter(|_| has_second_address()) {
        Some(first) => [first, SocketAddr::new(SECOND_ADDRESS, first.port()), any],
        None => [any; 3],
    }
}

const SECOND_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn has_second_address() -> bool {
    is_loopback_address(SECOND_ADDRESS)
}

fn three_clients_one_port(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    clients: &[TcpClient; 3],
    sources: [SocketAddr; 3],
) -> check::Result {
    demo.step("Three clients, one server port")?;
    demo.explain(&format!(
        "Three processes of the program echo-tcp-client have connected to the server echo-tcp. For each of them the \
         server's accept(2) has returned a new descriptor, but no new port: the listening socket and the three \
         connected sockets of the server all have the same local address and port. {}",
        if has_second_address() { SAME_SOURCE_PORT } else { ONE_LOOPBACK_ADDRESS },
    ))?;
    let address = tcp_address(server)?;
    let shown = shown(server.pid()?, clients);
    let claim = "the server has four sockets, all with the same local address and port";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        let sockets = snapshot.process("server").into_iter().flat_map(Process::tcp_sockets);
        let is_connected =
            |label: &&str| snapshot.process(label).is_some_and(|process| process.has_tcp_sockets(0, 1));
        sockets.filter_map(DescriptorRow::local_address).collect::<Vec<_>>() == [address; 4]
            && CLIENTS.iter().all(is_connected)
    })?;
    let locals = CLIENTS.map(|label| local_address(&snapshot, label).unwrap_or(address));
    if has_second_address() {
        let same = locals[..2] == sources[..2] && locals[0].port() == locals[1].port();
        let claim = format!("client 1 and client 2 both come from port {}", locals[0].port());
        demo.verify(claim, same, &snapshot)?;
    }
    demo.show(&snapshot)?;
    demo.explain(
        "How does the kernel know which connection a segment belongs to? Every segment carries two addresses and two \
         ports. These four values, the four-tuple, identify the connection, and the kernel looks up the socket with \
         this four-tuple. Two connections need to differ in only one of the four values:",
    )?;
    let claim = "the kernel lists three connections of the server's port, with three different four-tuples";
    let table =
        tcp_table::read_until(demo, address, &locals, claim, |table| connections(table, address) == 3)?;
    tcp_table::show_table(demo, table, &snapshot)
}

const SAME_SOURCE_PORT: &str = "Client 1 and client 2 have called bind(2) with the same port, the first on the address \
                                127.0.0.1 and the second on 127.0.0.2. (On Linux all of 127.0.0.0/8 belongs to the \
                                loopback interface.) The kernel has chosen the port of client 3.";

const ONE_LOOPBACK_ADDRESS: &str = "(On Linux, two of them would use the same port on two addresses, 127.0.0.1 and \
                                    127.0.0.2. The loopback interface of this system has only 127.0.0.1. There a second \
                                    connection from the same port to the same server would have the same four-tuple, \
                                    and the kernel refuses it.)";

fn shown(server: Pid, clients: &[TcpClient; 3]) -> Vec<ProcessSelection> {
    let clients =
        CLIENTS.iter().zip(clients).map(|(&label, client)| ProcessSelection::sockets(label, client.pid()));
    [ProcessSelection::sockets("server", server)].into_iter().chain(clients).collect()
}

fn local_address(snapshot: &Snapshot, label: &str) -> Option<SocketAddr> {
    snapshot.process(label)?.tcp_sockets().next()?.local_address()
}

/// Returns the number of different connections at the server's address.
fn connections(table: &[TcpEntry], server: SocketAddr) -> usize {
    let ends = table.iter().filter(|end| end.local == server && end.remote.port() != 0);
    ends.map(|end| end.remote).collect::<HashSet<_>>().len()
}

fn own_answer_for_each(demo: &mut DemoRun<'_>, clients: &mut [TcpClient; 3]) -> check::Result {
    demo.step("Each client gets its own answer")?;
    demo.explain(
        "Each client sends a different word, and all three have sent theirs before any of them reads an answer. The \
         server reads each word from a different descriptor, and writes the answer to the same descriptor.",
    )?;
    const WORDS: [&str; 3] = ["one", "two", "three"];
    for (client, word) in clients.iter_mut().zip(WORDS) {
        client.stdio.send(word.as_bytes())?;
    }
    for ((client, word), label) in clients.iter_mut().zip(WORDS).zip(CLIENTS) {
        demo.verify_ok(format!("{label} gets back \"{word}\""), client.stdio.expect(word.as_bytes()))?;
    }
    Ok(())
}

fn one_thread_for_each(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    clients: &[TcpClient; 3],
) -> check::Result {
    demo.step("Which thread serves which client")?;
    demo.explain(
        "echo-tcp has one thread for each client. The threads of a process share one descriptor table, so the boxes \
         cannot show which thread serves which client: every thread could read from every descriptor. But each thread \
         is blocked in a system call, and the first argument of the call is the descriptor that it waits for. (The \
         column `sleeps in` has the names of kernel functions.)",
    )?;
    let snapshot = take_snapshot(&shown(server.pid()?, clients))?;
    let wanted = snapshot.process("server").map_or(0, |process| process.tcp_sockets().count());
    let mut last = Vec::new();
    let found = until(demo.deadlines().no_progress(), || match sys::sleeping_threads(server.pid()?) {
        Err(error) => Ok(Some(Err(error))),
        Ok(threads) => {
            last = threads;
            Ok((sockets_with_one_thread(&last, &snapshot) == wanted).then(|| Ok(last.clone())))
        }
    })?;
    if let Some(Err(error)) = &found {
        return demo.explain(&format!("(This system does not show where threads are blocked: {error}.)"));
    }
    let claim = "exactly one thread waits for each of the server's sockets";
    demo.verify(claim, found.is_some(), format!("{last:?}"))?;
    demo.show_lines(&thread_table(&last, &snapshot))?;
    demo.explain(
        "The main thread is blocked in accept(2) on the listening socket. Each of the others is blocked in read(2) on its \
         own connection. A client that sends nothing occupies one thread, and does not delay the other clients.",
    )
}

/// Returns the number of the server's sockets that exactly one thread waits for.
fn sockets_with_one_thread(threads: &[SleepingThread], snapshot: &Snapshot) -> usize {
    let sockets = snapshot.process("server").into_iter().flat_map(Process::tcp_sockets);
    let waiting =
        |row: &DescriptorRow| threads.iter().filter(|thread| thread.first_argument == row.number).count();
    sockets.filter(|row| waiting(row) == 1).count()
}

fn thread_table(threads: &[SleepingThread], snapshot: &Snapshot) -> Vec<String> {
    let line = |thread: &str, function: &str, number: &str, object: &str| {
        format!("{thread:<9}{function:<18}{number:<12}{object}").trim_end().to_owned()
    };
    let described = threads.iter().filter_map(|thread| {
        let row = snapshot.row("server", thread.first_argument)?;
        let number = row.number.to_string();
        let object = row.object.to_string().replace("TCP ", "").replace('↔', "with");
        Some(line(&thread.thread.to_string(), &thread.wait_channel, &number, &object))
    });
    std::iter::once(line("thread", "sleeps in", "descriptor", "object")).chain(described).collect()
}

fn one_process_for_each(demo: &mut DemoRun<'_>) -> check::Result {
    demo.step("One process for each client instead")?;
    let mut server = launch_server("echo-tcp-fork", "tcp", demo.deadlines())?;
    let clients = [server.connect()?, server.connect()?];
    demo.explain(
        "The server echo-tcp-fork calls fork(2) after each accept(2). Then parent and child both hold the listening \
         socket and the new connection. The parent closes the connection: otherwise the client would not get end of \
         file when the child closes it. The child closes the listening socket: otherwise the port would stay in use \
         after the parent has exited. Processes have separate descriptor tables, so here the boxes show which process \
         serves which client. (Now this demo is both clients.)",
    )?;
    let shown = server_processes(demo, &server, &clients)?;
    let claim =
        "the parent holds the listening socket and no connection, each child one connection and no listener";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        let has = |label, listening, connected| {
            snapshot.process(label).is_some_and(|process| process.has_tcp_sockets(listening, connected))
        };
        has("parent", 1, 0) && has("child 1", 0, 1) && has("child 2", 0, 1)
    })?;
    let served = ["child 1", "child 2"].map(|label| {
        let process = snapshot.process(label).into_iter();
        process.flat_map(Process::connections).map(|(_, id)| id).next()
    });
    demo.verify("the two children serve different connections", served[0] != served[1], &snapshot)?;
    demo.show(&snapshot)?;
    demo.explain(
        "The processes also hold their three standard descriptors, and a pipe. Only the parent holds the write end of \
         this pipe. When the parent exits, for whatever reason, the children read end of file from it and exit too.",
    )
}

/// Selects for a diagram the server's parent process, its two children, and the clients in this process.
fn server_processes(
    demo: &DemoRun<'_>,
    server: &Server,
    clients: &[Client; 2],
) -> check::Result<Vec<ProcessSelection>> {
    let processes = until(demo.deadlines().no_progress(), || {
        Ok(Some(server.processes()?).filter(|processes| processes.len() == 3))
    })?;
    let processes =
        processes.ok_or_else(|| Finding::fail("a parent and two children", "not three processes"))?;
    let labels = ["parent", "child 1", "child 2"];
    let server =
        labels.iter().zip(processes).map(|(&label, process)| ProcessSelection::sockets(label, process.pid));
    Ok(server.chain([select_clients("clients", clients)]).collect())
}

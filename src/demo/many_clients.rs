//! One server port and many connections: what tells them apart, and who serves which. tcp(7), accept(2).

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use nix::unistd::Pid;

use super::support::{
    Demo, DemoRun, TcpClient, launch_server, select_clients, take_snapshot, tcp_address,
    tcp_table::{self, TcpEntry},
};
use crate::check::{self, Finding, OrFinding};
use crate::deadline::until;
use crate::diagram::{Process, Row, Selection, Snapshot};
use crate::server::Server;
use crate::sys::{self, SleepingThread};
use crate::transport::{Client, is_loopback_address};

pub(super) const DEMO: Demo =
    Demo { name: "many-clients", says: "one server port, many connections, and who serves which", run };

const CLIENTS: [&str; 3] = ["client 1", "client 2", "client 3"];

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut server = launch_server("echo-tcp", "tcp", demo.deadlines())?;
    let sources = sources()?;
    let address = tcp_address(&server)?;
    let pid = server.pid()?;
    let clients = sources.map(|source| arrive(demo, pid, address, source));
    let [first, second, third] = clients;
    let mut clients = [first?, second?, third?];
    three_clients_connect(demo, &mut server, &clients, sources)?;
    each_has_its_own_answer(demo, &mut clients)?;
    a_thread_for_each(demo, &mut server, &clients)?;
    drop((clients, server));
    a_process_for_each(demo)
}

/// A client that has connected and been accepted, so that the next gets the next descriptor.
fn arrive(
    demo: &DemoRun<'_>,
    server: Pid,
    address: SocketAddr,
    source: SocketAddr,
) -> check::Result<TcpClient> {
    let sockets = || {
        let snapshot = take_snapshot(&[Selection::sockets("server", server)])?;
        Ok(snapshot.process("server").map_or(0, |process| process.tcp_sockets().count()))
    };
    let before = sockets()?;
    let client = TcpClient::launch(address, Some(source), demo.deadlines())?;
    let accepted = until(demo.deadlines().no_progress(), || Ok((sockets()? > before).then_some(())))?;
    accepted.ok_or_else(|| Finding::timeout("the client accepted", "it waits"))?;
    Ok(client)
}

/// Where the three clients come from: the first two from one port, if this system has two addresses for them.
fn sources() -> check::Result<[SocketAddr; 3]> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    if !has_second() {
        return Ok([any; 3]);
    }
    for _ in 0..100 {
        let probe = TcpListener::bind(any).or_broken("a free port")?;
        let first = probe.local_addr().or_broken("a free port")?;
        let second = SocketAddr::new(SECOND, first.port());
        if TcpListener::bind(second).is_ok() {
            return Ok([first, second, any]);
        }
    }
    Err(Finding::broken("a port that is free on 127.0.0.1 and 127.0.0.2", "none was found"))
}

const SECOND: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn has_second() -> bool {
    is_loopback_address(SECOND)
}

fn three_clients_connect(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    clients: &[TcpClient; 3],
    sources: [SocketAddr; 3],
) -> check::Result {
    demo.step("Three clients, one server port")?;
    demo.explain(&format!(
        "Three processes of the program echo-tcp-client have connected to the server echo-tcp. For each of them the \
         server's accept(2) has returned a new descriptor. The server has not got a new port for any of them: its \
         sockets, the listening one and the three connected ones, all have the same local address and port. {}",
        if has_second() { TWINS } else { NO_TWINS },
    ))?;
    let address = tcp_address(server)?;
    let shown = shown(server.pid()?, clients);
    let claim = "the server has four sockets, all with the same local address and port";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        let sockets = snapshot.process("server").into_iter().flat_map(Process::tcp_sockets);
        sockets.filter_map(Row::local_address).collect::<Vec<_>>() == [address; 4]
            && CLIENTS
                .iter()
                .all(|label| snapshot.process(label).is_some_and(|process| process.has_tcp_sockets(0, 1)))
    })?;
    let locals = CLIENTS.map(|label| local(&snapshot, label).unwrap_or(address));
    if has_second() {
        let same = locals[..2] == sources[..2] && locals[0].port() == locals[1].port();
        let claim = format!("client 1 and client 2 both come from port {}", locals[0].port());
        demo.verify(claim, same, &snapshot)?;
    }
    demo.show(&snapshot)?;
    demo.explain(
        "So how does the kernel know whose bytes it has got? Every segment carries two addresses and two ports. \
         These four together, the four-tuple, are the name of a connection, and the kernel looks for the socket \
         that has this name. It is enough that one of the four differs:",
    )?;
    let claim =
        "the kernel lists three connections of the server's port, and no two of their four-tuples are equal";
    let table = tcp_table::wait_until(demo, address, &locals, claim, |table| distinct(table, address) == 3)?;
    tcp_table::show(demo, table, &snapshot)
}

const TWINS: &str = "Client 1 and client 2 have even been told to call bind(2) with one and the same port, the first \
                     on the address 127.0.0.1 and the second on 127.0.0.2; to Linux all of 127.0.0.0/8 is this \
                     machine. Client 3 has got a port of its own from the kernel.";

const NO_TWINS: &str = "(Two of them would come from the same port on two addresses, 127.0.0.1 and 127.0.0.2. But the \
                        loopback interface of this system has only 127.0.0.1, and a second client from the same \
                        address and port to the same server would be the same connection: the kernel refuses it.)";

fn shown(server: Pid, clients: &[TcpClient; 3]) -> Vec<Selection> {
    let visitors =
        CLIENTS.iter().zip(clients).map(|(&label, client)| Selection::sockets(label, client.pid()));
    [Selection::sockets("server", server)].into_iter().chain(visitors).collect()
}

fn local(snapshot: &Snapshot, label: &str) -> Option<SocketAddr> {
    snapshot.process(label)?.tcp_sockets().next()?.local_address()
}

/// How many different connections the server's own ends have.
fn distinct(table: &[TcpEntry], server: SocketAddr) -> usize {
    let ends = table.iter().filter(|end| end.local == server && end.remote.port() != 0);
    ends.map(|end| end.remote).collect::<HashSet<_>>().len()
}

fn each_has_its_own_answer(demo: &mut DemoRun<'_>, clients: &mut [TcpClient; 3]) -> check::Result {
    demo.step("Each client gets its own answer")?;
    demo.explain(
        "Each client sends a word of its own, and all three words are on their way before anybody reads an answer. \
         The server reads each from another descriptor, and writes to the descriptor that it has read from.",
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

fn a_thread_for_each(demo: &mut DemoRun<'_>, server: &mut Server, clients: &[TcpClient; 3]) -> check::Result {
    demo.step("Which thread serves which client")?;
    demo.explain(
        "echo-tcp has one thread for each client. Threads share one descriptor table, so the boxes cannot show who \
         serves whom: every thread could read from every descriptor. But each sleeps in a system call, and its first \
         argument is the descriptor that it waits for. (The places where they sleep have the kernel's own names.)",
    )?;
    let snapshot = take_snapshot(&shown(server.pid()?, clients))?;
    let wanted = snapshot.process("server").map_or(0, |process| process.tcp_sockets().count());
    let mut last = Vec::new();
    let found = until(demo.deadlines().no_progress(), || match sys::sleeping_threads(server.pid()?) {
        Err(error) => Ok(Some(Err(error))),
        Ok(sleepers) => {
            last = sleepers;
            Ok((served(&last, &snapshot) == wanted).then(|| Ok(last.clone())))
        }
    })?;
    if let Some(Err(error)) = &found {
        return demo.explain(&format!("(This system does not show where threads sleep: {error}.)"));
    }
    let claim = "each of the server's sockets has exactly one thread that waits for it";
    demo.verify(claim, found.is_some(), format!("{last:?}"))?;
    demo.show_lines(&thread_lines(&last, &snapshot))?;
    demo.explain(
        "The main thread sleeps in accept(2) on the listening socket, the others in read(2), each on its own \
         connection. A client that says nothing keeps one thread asleep, and is in nobody's way.",
    )
}

/// How many of the server's sockets exactly one thread waits for.
fn served(sleepers: &[SleepingThread], snapshot: &Snapshot) -> usize {
    let sockets = snapshot.process("server").into_iter().flat_map(Process::tcp_sockets);
    let waiting = |row: &Row| sleepers.iter().filter(|sleeper| sleeper.first_argument == row.number).count();
    sockets.filter(|row| waiting(row) == 1).count()
}

fn thread_lines(sleepers: &[SleepingThread], snapshot: &Snapshot) -> Vec<String> {
    let line = |thread: &str, place: &str, number: &str, object: &str| {
        format!("{thread:<9}{place:<18}{number:<12}{object}").trim_end().to_owned()
    };
    let described = sleepers.iter().filter_map(|sleeper| {
        let row = snapshot.row("server", sleeper.first_argument)?;
        let number = row.number.to_string();
        let object = row.object.to_string().replace("TCP ", "").replace('↔', "with");
        Some(line(&sleeper.thread.to_string(), &sleeper.wait_channel, &number, &object))
    });
    std::iter::once(line("thread", "sleeps in", "descriptor", "which is")).chain(described).collect()
}

fn a_process_for_each(demo: &mut DemoRun<'_>) -> check::Result {
    demo.step("A process for each client instead")?;
    let mut server = launch_server("echo-tcp-fork", "tcp", demo.deadlines())?;
    let clients = [server.connect()?, server.connect()?];
    demo.explain(
        "Another server: echo-tcp-fork calls fork(2) after each accept(2). Both processes then hold the listener \
         and the new connection. The parent closes the connection, or the client would never see its end; \
         the child closes the listener, or the port would stay taken after the parent's death. Processes have \
         descriptor tables of their own, so the boxes show who serves whom. (This demo itself plays the clients \
         now.)",
    )?;
    let shown = family(demo, &server, &clients)?;
    let claim = "the parent holds the listener and no connection; each child one connection and no listener";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        let holds = |label, listening, connected| {
            snapshot.process(label).is_some_and(|process| process.has_tcp_sockets(listening, connected))
        };
        holds("parent", 1, 0) && holds("child 1", 0, 1) && holds("child 2", 0, 1)
    })?;
    let served = ["child 1", "child 2"].map(|label| {
        let process = snapshot.process(label).into_iter();
        process.flat_map(Process::connections).map(|(_, tuple)| tuple).next()
    });
    demo.verify("the two children serve different connections", served[0] != served[1], &snapshot)?;
    demo.show(&snapshot)?;
    demo.explain(
        "What else they hold: the three standard descriptors, and a pipe that ties the family together. Its only write end is \
         the parent's, so when the parent ends, however it ends, the children read end of file and end too.",
    )
}

fn family(demo: &DemoRun<'_>, server: &Server, connected: &[Client; 2]) -> check::Result<Vec<Selection>> {
    let processes = until(demo.deadlines().no_progress(), || {
        Ok(Some(server.processes()?).filter(|processes| processes.len() == 3))
    })?;
    let processes =
        processes.ok_or_else(|| Finding::fail("a parent and two children", "not three processes"))?;
    let labels = ["parent", "child 1", "child 2"];
    let family = labels.iter().zip(processes).map(|(&label, process)| Selection::sockets(label, process.pid));
    Ok(family.chain([select_clients("clients", connected)]).collect())
}

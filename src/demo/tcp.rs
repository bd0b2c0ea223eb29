//! One port, many connections: what accept(2) returns, and what the kernel remembers afterwards. tcp(7).

use std::net::SocketAddr;

use nix::sys::signal::Signal;

use super::Demo;
use super::connections::{self, between};
use super::launch::server;
use super::picture::{Actor, Picture, Player, Row, Shared};
use super::story::Story;
use crate::os::TcpState;
use crate::patience::until;
use crate::server::Server;
use crate::transport::Client;
use crate::verdict::{Finding, Verdict};

pub(super) const DEMO: Demo =
    Demo { name: "tcp", says: "one port, many connections: four-tuples, half-close, TIME_WAIT", run };

fn run(story: &mut Story<'_>) -> Verdict {
    let mut server = server("echo-tcp", "tcp", story.patience())?;
    a_socket_listens(story, &mut server)?;
    let mut clients = [server.connect()?, server.connect()?];
    two_clients_connect(story, &mut server, &clients)?;
    each_has_its_own_answer(story, &mut clients)?;
    the_client_half_closes(story, &mut server, &mut clients)?;
    time_waits(story, &mut server, clients)?;
    drop(server);
    a_process_for_each_client(story)
}

fn address(server: &Server) -> Verdict<SocketAddr> {
    server.address().inet().ok_or_else(|| Finding::broken("a TCP port", server.address().to_string()))
}

fn a_socket_listens(story: &mut Story<'_>, server: &mut Server) -> Verdict {
    story.step("A socket listens")?;
    let address = address(server)?;
    story.tell(&format!(
        "The server echo-tcp has called socket(2), bind(2) and listen(2). The socket has a local address, \
         {address}, and nobody at the other end: it never carries a byte. All it does is to take connections \
         in. The server sleeps in accept(2) until there is one.",
    ))?;
    let cast = cast(server, [])?;
    let picture = story.observe(&cast, "the server has exactly one socket, and it listens", |picture| {
        let sockets: Vec<_> = sockets(picture, "server").collect();
        matches!(sockets[..], [socket] if socket.listens() && socket.local_address() == Some(address))
    })?;
    story.observe_sleep(server.pid()?, "accept", "the server sleeps in accept(2)")?;
    story.show(&picture)
}

fn sockets<'a>(picture: &'a Picture, role: &str) -> impl Iterator<Item = &'a Row> {
    let rows = picture.player(role).map_or(&[][..], |player| &player.rows);
    rows.iter().filter(|row| row.local_address().is_some())
}

fn two_clients_connect(story: &mut Story<'_>, server: &mut Server, clients: &[Client; 2]) -> Verdict {
    story.step("Two clients connect")?;
    let address = address(server)?;
    story.tell(
        "Two sockets of this process have called connect(2), and for each the server's accept(2) has \
         returned a new descriptor: a new socket beside the listening one, which stays as it was. All three \
         have the same local port, so the port does not tell them apart. The kernel goes by the four-tuple: \
         local address and port, remote address and port. connect(2) gave each client a port of its own, so \
         the four-tuples differ, and every segment finds its socket.",
    )?;
    let cast = cast(server, clients)?;
    story.observe(&cast, "the server has three sockets with one local address and port", |picture| {
        let locals: Vec<_> = sockets(picture, "server").filter_map(Row::local_address).collect();
        locals == [address; 3]
    })?;
    let picture =
        story.observe(&cast, "two of them are connected, with different four-tuples", two_connections)?;
    let mirrored = picture.joints.iter().filter(|joint| matches!(joint.shared, Shared::Connection(..)));
    let claim = "each connection has two sockets: the server's, and one of the clients' with the same two \
                 addresses the other way round";
    story.claim(claim, mirrored.count() == 2, &picture)?;
    story.show(&picture)?;
    story.tell(
        "The line between two of them is no object that both hold, as a pipe would be: each side has a \
         socket of its own, and the four-tuple is all they have in common. The server is one process with a \
         thread for each client. Threads share one descriptor table, and so there is one box.",
    )
}

fn two_connections(picture: &Picture) -> bool {
    let of = |role| picture.player(role).into_iter().flat_map(Player::connections);
    let tuples: Vec<_> = of("server").map(|(_, tuple)| tuple).collect();
    matches!(tuples[..], [one, other] if one != other)
}

fn each_has_its_own_answer(story: &mut Story<'_>, clients: &mut [Client; 2]) -> Verdict {
    story.step("Each client gets its own answer")?;
    story.tell(
        "The second client speaks first, while the first is silent. The first one's thread sleeps in \
         read(2) on its own descriptor, and is in nobody's way.",
    )?;
    let [first, second] = clients;
    story.proven("the second client gets back \"two\"", second.exchange(b"two"))?;
    story.proven("the first client gets back \"one\", and nothing of the other's", first.exchange(b"one"))
}

fn the_client_half_closes(story: &mut Story<'_>, server: &mut Server, clients: &mut [Client; 2]) -> Verdict {
    story.step("The client half-closes")?;
    story.tell(
        "A connection is two streams, one each way, and each ends by itself. The server is stopped for a \
         moment (SIGSTOP). The first client sends its last words and calls shutdown(2) with SHUT_WR: no more \
         from me. Its kernel sends a FIN behind the last words, and the server's end receives both, though \
         the server itself has read neither yet. close(2) would have ended both directions.",
    )?;
    signal(server, Signal::SIGSTOP)?;
    story.observe_stop(server.pid()?, "the server is stopped")?;
    clients[0].send(b"last words")?;
    clients[0].shut_down_write()?;
    let picture = Picture::take(&cast(server, &*clients)?)?;
    show_half_closed(story, &picture, address(server)?, &clients[0])?;
    story.tell(
        "SIGCONT: the server reads the last words and echoes them, and only then reads 0, end of file. It \
         has nothing more to say, and closes its side too.",
    )?;
    signal(server, Signal::SIGCONT)?;
    story.proven("the last words come back after the client's FIN", clients[0].expect(b"last words"))?;
    story.proven("then the client reads end of file: both directions have ended", clients[0].expect_eof())
}

fn show_half_closed(
    story: &mut Story<'_>,
    picture: &Picture,
    server: SocketAddr,
    client: &Client,
) -> Verdict {
    let local = client.local_address()?;
    let claim = "neither end is ESTABLISHED any more: the client's waits for the server's FIN, and the \
                 server's for the server to close";
    let table = connections::observe(story, server, &[local], claim, |table| {
        let ends = between(table, server, local);
        ends.len() == 2 && ends.iter().all(|end| end.state == TcpState::Other)
    })?;
    table.map_or(Ok(()), |table| story.show_lines(&connections::lines(&table, picture)))
}

fn time_waits(story: &mut Story<'_>, server: &mut Server, clients: [Client; 2]) -> Verdict {
    story.step("TIME_WAIT, and on whose side")?;
    let [first, second] = clients;
    let (address, gone, stays) = (address(server)?, first.local_address()?, second.local_address()?);
    drop(first);
    story.tell(
        "The first client has called close(2), and so has the server. No process holds that connection any \
         more. But the kernel still remembers it, on the side that sent the first FIN, the client's: the last \
         acknowledgement may be lost and have to be sent again, and late segments must not be taken for part \
         of a new connection with the same four-tuple. RFC 9293 calls this TIME-WAIT; on Linux it lasts 60 \
         seconds.",
    )?;
    let claim = "the server has closed its socket for the first client";
    let picture =
        story.observe(&cast(server, [&second])?, claim, |picture| sockets(picture, "server").count() == 2)?;
    let claim = "the first client's end is in TIME_WAIT, and the server's end of it is gone";
    let table = connections::observe(story, address, &[gone, stays], claim, |table| {
        let ends = between(table, address, gone);
        matches!(ends[..], [end] if end.local == gone && end.state == TcpState::TimeWait)
    })?;
    story.show(&picture)?;
    if let Some(table) = table {
        story.tell("The kernel's own table also lists what no process holds:")?;
        story.show_lines(&connections::lines(&table, &picture))?;
    }
    story.tell(
        "Had the server sent the first FIN, the server's port would be the one that is remembered, and \
         bind(2) in a restarted server would fail with EADDRINUSE, unless it sets the option SO_REUSEADDR \
         first, as servers do.",
    )
}

fn cast<'a>(server: &mut Server, clients: impl IntoIterator<Item = &'a Client>) -> Verdict<[Actor; 2]> {
    Ok([Actor::new("server", server.pid()?), Actor::clients("clients", clients)])
}

fn a_process_for_each_client(story: &mut Story<'_>) -> Verdict {
    story.step("A process for each client instead")?;
    let mut server = server("echo-tcp-fork", "tcp", story.patience())?;
    let clients = [server.connect()?, server.connect()?];
    story.tell(
        "The server echo-tcp-fork calls fork(2) after each accept(2). Both processes then hold the listener \
         and the new connection. The parent closes the connection, or the client would never see its end; \
         the child closes the listener, or the port would stay taken after the parent's death. The pipe \
         ties the family together. Its only write end is the parent's, so when the parent ends, however it \
         ends, the children read end of file and end too.",
    )?;
    let cast = family(story, &server, &clients)?;
    let claim = "the parent holds the listener and no connection; each child one connection and no listener";
    let picture = story.observe(&cast, claim, |picture| {
        holds(picture, "parent", 1, 0) && ["child 1", "child 2"].iter().all(|role| holds(picture, role, 0, 1))
    })?;
    let served = ["child 1", "child 2"].map(|role| {
        let player = picture.player(role).into_iter();
        player.flat_map(Player::connections).map(|(_, tuple)| tuple).next()
    });
    story.claim("the two children serve different connections", served[0] != served[1], &picture)?;
    story.show(&picture)
}

fn family(story: &Story<'_>, server: &Server, clients: &[Client; 2]) -> Verdict<Vec<Actor>> {
    let processes = until(story.patience().progress(), || {
        Ok(Some(server.processes()?).filter(|processes| processes.len() == 3))
    })?;
    let processes =
        processes.ok_or_else(|| Finding::fail("a parent and two children", "not three processes"))?;
    let roles = ["parent", "child 1", "child 2"];
    let family = roles.iter().zip(processes).map(|(&role, process)| Actor::new(role, process.pid));
    Ok(family.chain([Actor::clients("clients", clients)]).collect())
}

/// Whether the process that plays `role` has so many listening and so many connected sockets.
fn holds(picture: &Picture, role: &str, listening: usize, connected: usize) -> bool {
    let sockets: Vec<_> = sockets(picture, role).collect();
    let listeners = sockets.iter().filter(|socket| socket.listens()).count();
    listeners == listening && sockets.len() - listeners == connected
}

fn signal(server: &mut Server, signal: Signal) -> Verdict {
    let sent = server.instance()?.signal(signal);
    sent.map_err(|error| Finding::broken(format!("{signal} sent"), error.to_string()))
}

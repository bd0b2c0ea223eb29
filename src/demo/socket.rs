//! A conversation over TCP from the first system call to the last, on both sides. socket(7), tcp(7).

use std::net::SocketAddr;

use super::Demo;
use super::calls::Calls;
use super::launch::{self, VISITOR, Visitor, spec};
use super::picture::{Actor, Picture, Player, Row};
use super::story::Story;
use crate::check::{self, Finding};
use crate::server::{Server, Start, describe};

pub(super) const DEMO: Demo =
    Demo { name: "socket", says: "each system call of a TCP conversation, on both sides", run };

const SERVER: &str = "echo-tcp";

fn run(story: &mut Story<'_>) -> check::Result {
    let mut calls = Calls::watch()?;
    let server = spec(SERVER, "tcp", Start::Bind)?.wrapped_in(calls.words("server"));
    let mut server = launch::launch_server(SERVER, &server, story.deadlines())?;
    let address = launch::port(&server)?;
    the_server_listens(story, &mut calls, &mut server, address)?;
    let words = calls.words("client");
    let mut client = Visitor::launch_by(&words, address, None, story.deadlines())?;
    the_client_connects(story, &mut calls, &mut server, &client, address)?;
    they_talk(story, &mut calls, &mut client)?;
    they_part(story, &mut calls, &mut server, client)
}

fn the_server_listens(
    story: &mut Story<'_>,
    calls: &mut Calls,
    server: &mut Server,
    address: SocketAddr,
) -> check::Result {
    story.step("The server: socket, bind, listen, accept")?;
    story.tell(&how_it_is_seen(calls))?;
    story.tell(&format!(
        "socket(2) makes a socket and gives back a descriptor for it, the lowest number that is free: 3, since 0, \
         1 and 2 are taken. The socket has no address yet. bind(2) gives it one, {address}. listen(2) makes it a \
         listening socket: from now on the kernel takes connections in for it, and lets so many wait as the \
         second argument says. Then the server calls accept(2) and sleeps, for nobody is there.",
    ))?;
    calls.observe(story, &[("server", &["socket", "bind", "listen"])])?;
    let cast = [Actor::sockets("server", server.pid()?)];
    let picture = story.observe(&cast, "the server has exactly one socket, and it listens", |picture| {
        let sockets: Vec<_> = picture.player("server").into_iter().flat_map(Player::sockets).collect();
        matches!(sockets[..], [socket] if socket.listens() && socket.local_address() == Some(address))
    })?;
    story.observe_sleep(server.pid()?, "accept", "the server sleeps in accept(2)")?;
    story.show(&picture)
}

fn how_it_is_seen(calls: &Calls) -> String {
    match calls.refusal() {
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
    story: &mut Story<'_>,
    calls: &mut Calls,
    server: &mut Server,
    client: &Visitor,
    address: SocketAddr,
) -> check::Result {
    story.step("The client: socket, connect. The server: accept returns")?;
    story.tell(&format!(
        "Another process, {VISITOR}, calls socket(2) and then connect(2) with the server's address. It has not \
         called bind(2), so connect(2) also gives its socket an address with a free port. The two \
         kernels (here it is one) shake hands, and connect(2) returns. On the other side accept(2) returns: a new descriptor for \
         a new socket, which is the server's end of this one connection. The listening socket is as it was.",
    ))?;
    calls.observe(story, &[("client", &["socket", "connect"]), ("server", &["accept"])])?;
    let cast = [Actor::sockets("server", server.pid()?), Actor::sockets("client", client.pid())];
    let claim = "the server now has two descriptors for two sockets: one listens, the other is connected";
    let picture = story.observe(&cast, claim, |picture| {
        picture.player("server").is_some_and(|player| player.holds(1, 1)) && ends(picture).is_some()
    })?;
    let locals = picture.player("server").into_iter().flat_map(Player::sockets);
    let locals: Vec<_> = locals.filter_map(Row::local_address).collect();
    story.claim("both have the same local address and port", locals == [address; 2], &picture)?;
    let joined =
        ends(&picture).is_some_and(|(one, other)| picture.joins(&[("server", one), ("client", other)]));
    let claim = "the connected one and the client's socket have the same two addresses the other way round";
    story.claim(claim, joined, &picture)?;
    story.show(&picture)?;
    story.tell(
        "So a port is not a descriptor, and it does not belong to one socket: what tells connections apart is the \
         four-tuple of both addresses and both ports (see the demo many-clients).",
    )
}

/// The descriptors of the connection at both ends.
fn ends(picture: &Picture) -> Option<(i32, i32)> {
    let one = |role| picture.player(role)?.connections().next().map(|(number, _)| number);
    Some((one("server")?, one("client")?))
}

fn they_talk(story: &mut Story<'_>, calls: &mut Calls, client: &mut Visitor) -> check::Result {
    story.step("They talk: write, read, write, read")?;
    story.tell(
        "The client writes to its descriptor. The kernel copies the bytes and carries them to the other socket, \
         where the server's read(2), until now asleep, returns with them. The server writes them back. (Rust's \
         library, like many, calls recvfrom(2) and sendto(2) without an address: on a connection they are \
         read(2) and write(2) with one argument more, for options.)",
    )?;
    let echoed = client.talk.exchange(b"hello, socket\n");
    story.proven("\"hello, socket\" came back, byte for byte", echoed)?;
    calls.observe(story, &[("client", &["write", "read"]), ("server", &["read", "write"])])
}

fn they_part(
    story: &mut Story<'_>,
    calls: &mut Calls,
    server: &mut Server,
    mut client: Visitor,
) -> check::Result {
    story.step("They part: shutdown, read 0, close")?;
    story.tell(
        "The client has come to the end of its input. It calls shutdown(2) with SHUT_WR: no more from me. That is \
         a FIN on the wire, and the server's read(2) returns 0: end of file. The server has nothing more to say \
         either, and calls close(2) on the connected socket. Now the client reads 0, and closes its own. The \
         listening socket has had no part in any of this: the next client can come.",
    )?;
    client.talk.shut_down_write()?;
    story.proven("the client reads end of file", client.talk.expect_eof())?;
    let status = client.instance.wait(story.deadlines().exit());
    let seen = status.map_or("it lives on".into(), describe);
    let well = status.is_some_and(|status| status.success());
    story.claim("the client has ended by itself, with exit status 0", well, seen)?;
    let parting = [("client", &["shutdown", "read", "close"][..]), ("server", &["read", "close"][..])];
    calls.observe(story, &parting)?;
    let cast = [Actor::sockets("server", server.pid()?), Actor::sockets("client", client.pid())];
    let claim = "the server has its listening socket left, and no other";
    let picture = story
        .observe(&cast, claim, |picture| picture.player("server").is_some_and(|player| player.holds(1, 0)))?;
    story.show(&picture)?;
    let mut next = server.connect()?;
    let served = next.exchange(b"next, please");
    story.proven("the next client is served at the same port", served).map_err(unserved)
}

fn unserved(finding: Finding) -> Finding {
    finding.because("the server had served one client before")
}

//! Datagrams: no connection, boundaries that are kept, and what a buffer does to them. udp(7), recvfrom(2).

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::Signal;

use super::support::{Demo, DemoRun, launch_failed, launch_server, tcp_address};
use crate::check::{self, Finding, OrFinding};
use crate::deadline::{Deadlines, Waited, wait};
use crate::diagram::{Process, Row, Selection};
use crate::server::Server;
use crate::sys::{Object, Socket, SocketName};
use crate::text::{count, excerpt};
use crate::transport::{Address, Client, ConnectOptions};

pub(super) const DEMO: Demo =
    Demo { name: "udp", says: "no connection; boundaries; a buffer too small, and one used again", run };

const SERVER: &str = "echo-udp";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut server = launch_server(SERVER, "udp", demo.deadlines())?;
    let mut clients = [server.connect()?, server.connect()?];
    one_socket_for_all(demo, &mut server, &mut clients)?;
    boundaries_are_kept(demo, &mut server, &mut clients[0])?;
    nobody_notices_a_restart(demo, &mut server, &mut clients[0])?;
    let mut careless = Careless::open()?;
    let at = ConnectOptions::to(Address::Inet(careless.address));
    let mut clients = [server.connect_with(&at)?, server.connect_with(&at)?];
    the_rest_is_lost(demo, &mut careless, &mut clients[0])?;
    the_tail_of_another(demo, &mut careless, &mut clients[1])
}

fn one_socket_for_all(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    clients: &mut [Client; 2],
) -> check::Result {
    demo.step("One socket for everyone")?;
    let address = tcp_address(server)?;
    demo.explain(&format!(
        "The server {SERVER} has called socket(2) with SOCK_DGRAM and bind(2) with {address}. There is no listen(2) and \
         no accept(2), for there are no connections. It sleeps in recvfrom(2), which takes the next datagram from \
         whoever sent it, and says from which address it came; sendto(2) sends the echo there. Two clients, \
         both this demo, send a word each.",
    ))?;
    for (client, word) in clients.iter_mut().zip(["one", "two"]) {
        let local = client.local_address()?;
        let answer = client.exchange_message(word.as_bytes());
        let echo = demo.verify_ok(format!("{local} gets back \"{word}\""), answer)?;
        let claim = format!("and its answer comes from {address}, the address that was asked");
        demo.verify(claim, echo.sender == Some(address), format!("{:?}", echo.sender))?;
    }
    let [one, two] = &*clients;
    let shown = [
        Selection::sockets("server", server.pid()?),
        Selection::this_process("clients").and(&one.reader()).and(&two.reader()),
    ];
    let claim = "the server has one socket for both clients, and no other";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        let sockets: Vec<_> = snapshot.process("server").into_iter().flat_map(datagram_sockets).collect();
        sockets == [address]
    })?;
    demo.show(&snapshot)?;
    demo.explain(
        "Nothing joins the boxes: a datagram socket has a local address and, here, no remote one. The kernel keeps \
         no state for any client, and the server has nothing to close when one goes away.",
    )
}

/// The local addresses of its UDP sockets.
fn datagram_sockets(process: &Process) -> impl Iterator<Item = SocketAddr> {
    process.rows.iter().filter_map(|row: &Row| match &row.object {
        Object::Socket(Socket { name: SocketName::Udp(local, _), .. }) => Some(*local),
        _ => None,
    })
}

fn boundaries_are_kept(demo: &mut DemoRun<'_>, server: &mut Server, client: &mut Client) -> check::Result {
    demo.step("Boundaries are kept")?;
    demo.explain(
        "The server is stopped (SIGSTOP), and the client calls sendto(2) three times: \"hello\", then nothing at all, \
         then \"world\". All three wait in the server's socket. Over TCP they would be one row of ten bytes by now. \
         SIGCONT: each recvfrom(2) takes just one datagram, and never a part of the next. One of no bytes \
         is a datagram, too; it is not end of file, which UDP does not have.",
    )?;
    server.freeze()?;
    let messages: [&[u8]; 3] = [b"hello", b"", b"world"];
    for message in messages {
        client.send(message)?;
    }
    server.thaw()?;
    for message in messages {
        let shown = excerpt(message);
        let claim = format!("one answer of {}: {shown}", count(message.len(), "byte"));
        demo.verify_ok(claim, client.expect(message))?;
    }
    Ok(())
}

fn nobody_notices_a_restart(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    client: &mut Client,
) -> check::Result {
    demo.step("Nobody notices a restart")?;
    demo.explain(
        "The server is killed. The client sends \"lost\" to nobody: sendto(2) succeeds, and nothing ever comes back. \
         Then a new server is started on the same port, and the client asks again, with the same socket.",
    )?;
    server.signal_and_wait(Signal::SIGKILL)?;
    demo.verify_ok("sendto(2) succeeds although nobody is there", client.send(b"lost"))?;
    let restarted = server.restart().map_err(|error| launch_failed(SERVER, &error));
    demo.verify_ok("a new server is bound to the same port", restarted)?;
    let answer = client.exchange(b"back again?");
    demo.verify_ok("the next answer is for \"back again?\": \"lost\" is lost", answer)?;
    demo.explain(
        "A TCP connection would have ended with its server. A datagram is on its own: it arrives, or it does not, and \
         whoever wants to know must ask for an answer, wait for a while, and ask again.",
    )
}

/// A server with two mistakes in it, played by this demo so that one can look into its buffer.
struct Careless {
    socket: UdpSocket,
    address: SocketAddr,
    buffer: [u8; 5],
}

impl Careless {
    fn open() -> check::Result<Careless> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| {
            socket.set_nonblocking(true)?;
            Ok((socket.local_addr()?, socket))
        });
        let (address, socket) = socket.or_broken("a UDP socket")?;
        Ok(Careless { socket, address, buffer: *b"....." })
    }

    /// The answer of recvfrom(2) for the next datagram.
    fn receive(&mut self, deadlines: Deadlines) -> check::Result<(usize, SocketAddr)> {
        let mut interest = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        if wait(&mut interest, deadlines.no_progress())? == Waited::Elapsed {
            return Err(Finding::timeout("a datagram", "none came"));
        }
        self.socket.recv_from(&mut self.buffer).or_broken("a datagram")
    }

    fn answer(&self, length: usize, client: SocketAddr) -> check::Result {
        let sent = self.socket.send_to(&self.buffer[..length], client);
        sent.map(drop).or_broken("an answer sent")
    }

    fn has_more(&self) -> bool {
        let more = self.socket.peek_from(&mut [0; 1]);
        more.is_ok() || more.is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock)
    }

    fn buffer(&self) -> String {
        format!("buffer  [{}]", self.buffer.map(|byte| byte.escape_ascii().to_string()).join("]["))
    }
}

fn the_rest_is_lost(demo: &mut DemoRun<'_>, careless: &mut Careless, client: &mut Client) -> check::Result {
    demo.step("A buffer that is too small")?;
    demo.explain(&format!(
        "Another server, on {}. This demo plays it itself, to look into its memory. It has been written with TCP in mind:          its buffer has five bytes, and whatever does not fit it means to read next time. A client sends          \"hello world\", 11 bytes.",
        careless.address,
    ))?;
    client.send(b"hello world")?;
    let (length, from) = careless.receive(demo.deadlines())?;
    let claim = format!("recvfrom(2) returns {length}: the first five bytes");
    demo.verify(claim, careless.buffer[..length] == *b"hello", excerpt(&careless.buffer))?;
    demo.verify("and there is nothing left to read", !careless.has_more(), "more was there")?;
    demo.show_lines(&[careless.buffer()])?;
    demo.explain(
        "A datagram is taken whole or cut: what does not fit into the buffer, \" world\", the kernel has thrown away, \
         without an error. Over TCP it would have come with the next read(2). The server sends back what it has.",
    )?;
    careless.answer(length, from)?;
    demo.verify_ok("the client sent \"hello world\", and gets back \"hello\"", client.expect(b"hello"))?;
    demo.explain(
        "The cure is a buffer for the largest datagram, 65,507 bytes of content over IPv4. (With the flag MSG_TRUNC \
         Linux's recvfrom(2) at least says how long the datagram was.)",
    )
}

fn the_tail_of_another(
    demo: &mut DemoRun<'_>,
    careless: &mut Careless,
    client: &mut Client,
) -> check::Result {
    demo.step("A buffer that is used again")?;
    demo.explain(
        "Its second mistake: it uses one buffer for all datagrams, and answers with the whole of it, whatever \
         recvfrom(2) has returned. A second client sends \"hi\".",
    )?;
    client.send(b"hi")?;
    let (length, from) = careless.receive(demo.deadlines())?;
    demo.verify("recvfrom(2) returns 2", length == 2, length)?;
    demo.show_lines(&[careless.buffer()])?;
    careless.answer(careless.buffer.len(), from)?;
    let answer = client.expect(b"hillo");
    demo.verify_ok("the second client sent \"hi\", and gets back \"hillo\"", answer)?;
    demo.explain(
        "The tail \"llo\" is the first client's: the server has told one client what another had said. Here it is \
         three letters of a greeting; it might have been a password. recvfrom(2) writes only as many bytes as have \
         come, and its answer is the one thing that tells which of the buffer's bytes are new. (`echospec check udp` \
         looks for both mistakes: echo/message-sizes and echo/stale-tail.)",
    )
}

//! Datagrams: no connection, message boundaries, and two common bugs with buffers. udp(7), recvfrom(2).

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::Signal;

use super::support::{Demo, DemoRun, launch_failed, launch_server, tcp_address};
use crate::check::{self, Finding, OrFinding};
use crate::deadline::{Deadlines, WaitOutcome, wait};
use crate::diagram::{DescriptorRow, Process, ProcessSelection};
use crate::server::Server;
use crate::sys::{Object, Socket, SocketName};
use crate::text::{count_with_noun, excerpt};
use crate::transport::{Address, Client, ConnectOptions};

pub(super) const DEMO: Demo = Demo {
    name: "udp",
    summary: "no connection, message boundaries, a buffer too small and one reused",
    run,
};

const SERVER: &str = "echo-udp";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut server = launch_server(SERVER, "udp", demo.deadlines())?;
    let mut clients = [server.connect()?, server.connect()?];
    one_socket_for_all(demo, &mut server, &mut clients)?;
    message_boundaries(demo, &mut server, &mut clients[0])?;
    restart_without_notice(demo, &mut server, &mut clients[0])?;
    let mut buggy = BuggyServer::bind()?;
    let at = ConnectOptions::to(Address::Inet(buggy.address));
    let mut clients = [server.connect_with(&at)?, server.connect_with(&at)?];
    buffer_too_small(demo, &mut buggy, &mut clients[0])?;
    buffer_reused(demo, &mut buggy, &mut clients[1])
}

fn one_socket_for_all(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    clients: &mut [Client; 2],
) -> check::Result {
    demo.step("One socket for all clients")?;
    let address = tcp_address(server)?;
    demo.explain(&format!(
        "The server {SERVER} has called socket(2) with SOCK_DGRAM, and bind(2) with {address}. It does not call listen(2) \
         or accept(2), because there are no connections. It is blocked in recvfrom(2), which returns the next datagram \
         from any client together with the client's address. sendto(2) sends the echo to that address. This demo has \
         two clients; each sends one word.",
    ))?;
    for (client, word) in clients.iter_mut().zip(["one", "two"]) {
        let local = client.local_address()?;
        let answer = client.exchange_message(word.as_bytes());
        let echo = demo.verify_ok(format!("the client at {local} gets back \"{word}\""), answer)?;
        let claim = format!("the answer comes from {address}, the address that the client sent to");
        demo.verify(claim, echo.sender == Some(address), format!("{:?}", echo.sender))?;
    }
    let [one, two] = &*clients;
    let shown = [
        ProcessSelection::sockets("server", server.pid()?),
        ProcessSelection::select_this_process("clients")
            .and_descriptor(&one.input_descriptor())
            .and_descriptor(&two.input_descriptor()),
    ];
    let claim = "the server has one socket for both clients, and no other";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        let sockets: Vec<_> = snapshot.process("server").into_iter().flat_map(udp_sockets).collect();
        sockets == [address]
    })?;
    demo.show(&snapshot)?;
    demo.explain(
        "No line joins the boxes: a datagram socket has a local address, but here no remote one. The kernel keeps no \
         state for any client, and the server has nothing to close when a client exits.",
    )
}

/// Iterates over the local addresses of a process's UDP sockets.
fn udp_sockets(process: &Process) -> impl Iterator<Item = SocketAddr> {
    process.rows.iter().filter_map(|row: &DescriptorRow| match &row.object {
        Object::Socket(Socket { name: SocketName::Udp(local, _), .. }) => Some(*local),
        _ => None,
    })
}

fn message_boundaries(demo: &mut DemoRun<'_>, server: &mut Server, client: &mut Client) -> check::Result {
    demo.step("Message boundaries")?;
    demo.explain(
        "SIGSTOP stops the server, and the client calls sendto(2) three times: with \"hello\", with no bytes at all, and \
         with \"world\". All three datagrams wait in the server's socket. Over TCP they would now be one stream of ten \
         bytes. SIGCONT lets the server go on. Each recvfrom(2) returns exactly one datagram. An empty datagram is a \
         datagram too. It does not mean end of file, which UDP does not have.",
    )?;
    server.freeze()?;
    let messages: [&[u8]; 3] = [b"hello", b"", b"world"];
    for message in messages {
        client.send(message)?;
    }
    server.thaw()?;
    for message in messages {
        let claim = format!("one answer of {}: {}", count_with_noun(message.len(), "byte"), excerpt(message));
        demo.verify_ok(claim, client.expect(message))?;
    }
    Ok(())
}

fn restart_without_notice(demo: &mut DemoRun<'_>, server: &mut Server, client: &mut Client) -> check::Result {
    demo.step("The client does not notice a restart")?;
    demo.explain(
        "SIGKILL kills the server. The client sends \"lost\", although no server is there: sendto(2) succeeds, and no \
         answer ever comes. Then a new server starts on the same port, and the client sends again from the same \
         socket.",
    )?;
    server.signal_and_wait(Signal::SIGKILL)?;
    demo.verify_ok("sendto(2) succeeds without a server", client.send(b"lost"))?;
    let restarted = server.restart().map_err(|error| launch_failed(SERVER, &error));
    demo.verify_ok("a new server is bound to the same port", restarted)?;
    let answer = client.exchange(b"back again?");
    demo.verify_ok("the next answer is \"back again?\": \"lost\" is lost", answer)?;
    demo.explain(
        "A TCP connection would have ended with its server. Each datagram is independent: it arrives, or it does not. A \
         client that must know has to wait for an answer, and send again after a timeout.",
    )
}

/// A UDP server with two bugs, for a demo. It runs in this process, so that the demo can show its buffer.
struct BuggyServer {
    socket: UdpSocket,
    address: SocketAddr,
    buffer: [u8; 5],
}

impl BuggyServer {
    fn bind() -> check::Result<BuggyServer> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| {
            socket.set_nonblocking(true)?;
            Ok((socket.local_addr()?, socket))
        });
        let (address, socket) = socket.or_broken("a UDP socket")?;
        Ok(BuggyServer { socket, address, buffer: *b"....." })
    }

    /// Waits for the server's next datagram. Returns the length and the sender that recvfrom(2) has returned.
    fn receive(&mut self, deadlines: Deadlines) -> check::Result<(usize, SocketAddr)> {
        let mut interest = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        if wait(&mut interest, deadlines.no_progress())? == WaitOutcome::Elapsed {
            return Err(Finding::timeout("a datagram", "none arrived"));
        }
        self.socket.recv_from(&mut self.buffer).or_broken("a datagram")
    }

    /// Sends the first `length` bytes of the server's buffer to `client`.
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

fn buffer_too_small(demo: &mut DemoRun<'_>, buggy: &mut BuggyServer, client: &mut Client) -> check::Result {
    demo.step("A buffer that is too small")?;
    demo.explain(&format!(
        "Here is another server, at {}. It is part of this demo, so that its memory can be shown. It was written as if \
         UDP were TCP: its buffer has five bytes, and it expects to read the rest of a longer message next time. A \
         client sends \"hello world\", 11 bytes.",
        buggy.address,
    ))?;
    client.send(b"hello world")?;
    let (length, from) = buggy.receive(demo.deadlines())?;
    let claim = format!("recvfrom(2) returns {length}: the first five bytes");
    demo.verify(claim, buggy.buffer[..length] == *b"hello", excerpt(&buggy.buffer))?;
    demo.verify("nothing is left to read", !buggy.has_more(), "more bytes were left")?;
    demo.show_lines(&[buggy.buffer()])?;
    demo.explain(
        "recvfrom(2) never returns the rest of a datagram. The kernel has discarded the bytes that did not fit into the \
         buffer, \" world\", without an error. Over TCP the next read(2) would have returned them. The server sends \
         back what it has.",
    )?;
    buggy.answer(length, from)?;
    demo.verify_ok("the client sent \"hello world\", and gets back \"hello\"", client.expect(b"hello"))?;
    demo.explain(
        "To avoid this bug, use a buffer for the largest datagram: 65,507 bytes of payload over IPv4. (On Linux the flag \
         MSG_TRUNC makes recvfrom(2) return the full length of the datagram.)",
    )
}

fn buffer_reused(demo: &mut DemoRun<'_>, buggy: &mut BuggyServer, client: &mut Client) -> check::Result {
    demo.step("A buffer that is reused")?;
    demo.explain(
        "Its second bug: it uses one buffer for all datagrams, and always sends the whole buffer back, whatever length \
         recvfrom(2) has returned. A second client sends \"hi\".",
    )?;
    client.send(b"hi")?;
    let (length, from) = buggy.receive(demo.deadlines())?;
    demo.verify("recvfrom(2) returns 2", length == 2, length)?;
    demo.show_lines(&[buggy.buffer()])?;
    buggy.answer(buggy.buffer.len(), from)?;
    let answer = client.expect(b"hillo");
    demo.verify_ok("the second client sent \"hi\", and gets back \"hillo\"", answer)?;
    demo.explain(
        "The bytes \"llo\" come from the first client: the server has sent one client's data to another. Here they are \
         three letters of a greeting; they could be a password. recvfrom(2) overwrites only as many bytes as have \
         arrived. Only its return value says which bytes of the buffer are new. (`echospec check udp` tests for both \
         bugs: echo/message-sizes and echo/stale-tail.)",
    )
}

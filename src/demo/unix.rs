//! Unix domain sockets: a path for an address, who is at the other end, and descriptors that travel. unix(7).

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::unistd::geteuid;
use socket2::Socket;

use super::support::{
    Demo, DemoRun, TcpClient, accept, launch_failed, launch_server, listen, program_path, select_clients,
};
use crate::check::{self, OrFinding};
use crate::diagram::{Selection, Snapshot};
use crate::server::{Instance, Server};
use crate::sys::{self, Object, SocketName};
use crate::text::printable;
use crate::transport::{Client, Link};

pub(super) const DEMO: Demo =
    Demo { name: "unix", says: "a path instead of a port, who is there, and a descriptor that travels", run };

const WORKER: &str = "echo-worker";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut server = launch_server("echo-unix", "unix", demo.deadlines())?;
    a_path_instead_of_a_port(demo, &mut server)?;
    let mut client = server.connect()?;
    the_same_conversation(demo, &mut server, &mut client)?;
    who_is_there(demo, &mut server, &client)?;
    drop((client, server));
    a_descriptor_travels(demo)
}

fn a_path_instead_of_a_port(demo: &mut DemoRun<'_>, server: &mut Server) -> check::Result {
    demo.step("A path instead of a port")?;
    let path = server.address().path().map(Path::to_owned).unwrap_or_default();
    demo.explain(&format!(
        "The server echo-unix has called socket(2) with AF_UNIX instead of AF_INET, and bind(2) with a path instead of \
         an address and port, {}; listen(2) and accept(2) are as they are with TCP. bind(2) has made a file of a kind of \
         its own, a socket. It holds no bytes and cannot be opened: it is a name. Its permissions say who may \
         connect, as no port can: whoever may write to it.",
        shown(&path),
    ))?;
    let meta = fs::symlink_metadata(&path).or_broken("the socket's file")?;
    demo.verify(
        "there is a file at the path, and it is a socket",
        meta.file_type().is_socket(),
        "another kind",
    )?;
    let mode = meta.mode() & 0o777;
    let claim = format!("its mode is {mode:04o}: only user {} may connect", meta.uid());
    demo.verify(claim, mode & 0o077 == 0, format!("{mode:04o}"))?;
    demo.show_lines(&[format!("s{} user {}  {}", permissions(mode), meta.uid(), name(&path))])?;
    let shown = [Selection::sockets("server", server.pid()?)];
    let claim = "the server has one socket, which listens at that path, and no port at all";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        let sockets = snapshot.process("server").map_or(&[][..], |process| &process.rows);
        let mut sockets = sockets.iter().filter(|row| matches!(row.object, Object::Socket(_)));
        sockets.next().is_some_and(|row| is_at(&row.object, &path)) && sockets.next().is_none()
    })?;
    demo.show(&snapshot)?;
    demo.explain(
        "(Another of its threads sleeps in accept(2). The main thread, whose place stands under the box, waits for the \
         signal that will end it, to remove the file then: no kernel does that, and a file that is left behind is in \
         the way of the next bind(2).)",
    )
}

fn is_at(object: &Object, path: &Path) -> bool {
    matches!(object, Object::Socket(sys::Socket { name: SocketName::Unix(Some(name)), listening: true, .. }) if name == path)
}

/// As ls(1) writes them.
fn permissions(mode: u32) -> String {
    let letter = |(place, letter): (u32, char)| if mode >> place & 1 == 1 { letter } else { '-' };
    (0..9).rev().zip("rwxrwxrwx".chars()).map(letter).collect()
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| shown(Path::new(name))).unwrap_or_default()
}

fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

fn the_same_conversation(demo: &mut DemoRun<'_>, server: &mut Server, client: &mut Client) -> check::Result {
    demo.step("The same conversation")?;
    demo.explain(
        "The client, this demo, calls connect(2) with the path, and from there on everything is as over TCP: accept(2) \
         returns a descriptor, and read(2) and write(2) carry bytes, with end of file, half-close and back-pressure. \
         Only there is no network: no segments, no ports, no TIME_WAIT. Bytes that one process writes are put into \
         the other's socket at once.",
    )?;
    demo.verify_ok("\"hello, path\" came back", client.exchange(b"hello, path"))?;
    let shown = [Selection::sockets("server", server.pid()?), select_clients("client", [&*client])];
    let snapshot = demo.wait_until(&shown, "the server has a second socket for this client", |snapshot| {
        let rows = snapshot.process("server").map_or(&[][..], |process| &process.rows);
        rows.iter().filter(|row| matches!(row.object, Object::Socket(_))).count() == 2
    })?;
    demo.show(&snapshot)?;
    demo.explain(
        "The server's end carries the name of the listening socket. The client's has no name: it has not called \
         bind(2), and unlike TCP's connect(2) this one gives it none.",
    )
}

fn who_is_there(demo: &mut DemoRun<'_>, server: &mut Server, client: &Client) -> check::Result {
    demo.step("Who is there?")?;
    demo.explain(
        "Both ends are on one machine, so the kernel knows who they are, and tells: getsockopt(2) with SO_PEERCRED on \
         Linux, LOCAL_PEERCRED on the BSDs and macOS. The client asks about the other end of its own socket:",
    )?;
    let peer = sys::peer_credentials(client.reader()).or_broken("the peer's credentials")?;
    let process = peer.pid.map_or("(this system does not tell)".into(), |pid| pid.to_string());
    demo.show_lines(&[format!("process {process}, user {}, group {}", peer.uid, peer.gid)])?;
    if peer.pid.is_some() {
        let server = server.pid()?;
        demo.verify("the process is the server", peer.pid == Some(server), format!("it is {server}"))?;
    }
    demo.verify("the user is the one who has started this demo", peer.uid == geteuid(), peer.uid)?;
    demo.explain(
        "No password, and nothing that a program could make up: a database server can let user alice in as alice. Over \
         TCP the other end is an address and a port, which say nothing of the user.",
    )
}

/// The front process's part: this demo's.
struct Front {
    listener: TcpListener,
    /// To the worker.
    link: Client,
    worker: Instance,
}

impl Front {
    fn launch(demo: &DemoRun<'_>) -> check::Result<Front> {
        let (ours, theirs) = UnixStream::pair().or_broken("a pair of Unix domain sockets")?;
        let nowhere =
            File::options().write(true).open("/dev/null").or_broken("a pair of Unix domain sockets")?;
        let words = [program_path(WORKER)?.into_os_string()];
        let worker = Instance::start(words, [Some(theirs.into()), Some(nowhere.into()), None]);
        let worker = worker.map_err(|error| launch_failed(WORKER, &error))?;
        let link = Link::socket(Socket::from(std::os::fd::OwnedFd::from(ours)))
            .or_broken("a pair of Unix domain sockets")?;
        Ok(Front { listener: listen()?.0, link: Client::over_stream(link, demo.deadlines()), worker })
    }

    fn shown(&self, tcp_client: &TcpClient) -> [Selection; 3] {
        let front = select_clients("front", [&self.link]).and(&self.listener);
        [
            front,
            Selection::sockets("worker", self.worker.pid()),
            Selection::sockets("client", tcp_client.pid()),
        ]
    }
}

fn a_descriptor_travels(demo: &mut DemoRun<'_>) -> check::Result {
    demo.step("A connection that is to travel")?;
    let mut front = Front::launch(demo)?;
    let address = front.listener.local_addr().or_broken("an address")?;
    demo.explain(&format!(
        "Three processes now. The front, this demo, listens on the TCP port {}. A client, echo-tcp-client, has \
         connected, and the front has called accept(2). The third is {WORKER}. It does not listen anywhere; its standard \
         input is one end of a pair of Unix domain sockets, made with socketpair(2), and the front holds the other.",
        address.port(),
    ))?;
    let mut tcp_client = TcpClient::launch(address, None, demo.deadlines())?;
    let accepted = accept(&front.listener, demo.deadlines())?;
    let number = accepted.reader().as_raw_fd();
    let [watching, worker, client] = front.shown(&tcp_client);
    let shown = [watching.and(&accepted.reader()), worker, client];
    let claim =
        format!("the client's connection is descriptor {number} of the front, and the worker has none");
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        connection(snapshot, "front") == Some(number)
            && connection(snapshot, "worker").is_none()
            && met(snapshot)
    })?;
    demo.show(&snapshot)?;
    it_arrives(demo, &mut front, &mut tcp_client, accepted)?;
    they_end(demo, front, tcp_client)
}

fn connection(snapshot: &Snapshot, label: &str) -> Option<RawFd> {
    let process = snapshot.process(label)?;
    process.connections().map(|(number, _)| number).find(|number| process.numbers().contains(number))
}

/// Whether the client's connection has another end in this snapshot.
fn met(snapshot: &Snapshot) -> bool {
    snapshot.process("client").is_some_and(|process| process.connections().next().is_some())
        && !snapshot.shared.is_empty()
}

fn it_arrives(
    demo: &mut DemoRun<'_>,
    front: &mut Front,
    tcp_client: &mut TcpClient,
    accepted: Client,
) -> check::Result {
    demo.step("It arrives in another process")?;
    let number = accepted.reader().as_raw_fd();
    demo.explain(&format!(
        "The front calls sendmsg(2) on its Unix domain socket: one byte of text, and beside it a control message, \
         SCM_RIGHTS, with its descriptor {number}. The worker's recvmsg(2) returns with the byte and with a descriptor, \
         but not with {number}: that number means nothing in its table. The kernel has entered the same socket there under \
         the lowest number that was free. Then the front calls close(2) on its own; the connection lives on, for \
         a socket is closed when its last descriptor is.",
    ))?;
    front.link.send_with_descriptor(b"!", accepted.reader().as_fd())?;
    drop(accepted);
    let claim = "the worker alone holds the connection now, under a number of its own";
    let snapshot = demo.wait_until(&front.shown(tcp_client), claim, |snapshot| {
        connection(snapshot, "worker").is_some() && connection(snapshot, "front").is_none() && met(snapshot)
    })?;
    demo.verify_ok(
        "\"hello, worker\" comes back to the client",
        tcp_client.stdio.exchange(b"hello, worker"),
    )?;
    demo.show(&snapshot)?;
    demo.explain(
        "The client has noticed nothing. It has connected to the front's port and is served by a process that has \
         never called accept(2), and could not have: it may run as another user, without any right to that port. \
         What travels is the open socket itself, not its name. It works with any descriptor: a file, a pipe, a terminal.",
    )
}

fn they_end(demo: &mut DemoRun<'_>, front: Front, mut tcp_client: TcpClient) -> check::Result {
    let Front { link, mut worker, .. } = front;
    tcp_client.stdio.shut_down_write()?;
    demo.verify_ok("the client ends its direction, and reads end of file", tcp_client.stdio.expect_eof())?;
    drop(link);
    let claim = "the front closes its Unix domain socket, and the worker ends by itself, with exit status 0";
    demo.verify_exit(claim, &mut worker)
}

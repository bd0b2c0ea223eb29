//! Unix domain sockets: a path as address, the peer's credentials, and descriptor passing. unix(7).

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::unistd::geteuid;
use socket2::Socket;

use super::support::{
    Demo, DemoRun, TcpClient, accept, launch_failed, launch_server, listen, program_path, select_clients,
};
use crate::check::{self, OrFinding};
use crate::diagram::{ProcessSelection, Snapshot};
use crate::server::{Instance, Server};
use crate::sys::{self, Object, SocketName};
use crate::text::printable;
use crate::transport::{Client, Link};

pub(super) const DEMO: Demo =
    Demo { name: "unix", summary: "a path instead of a port, the peer's user, and a passed descriptor", run };

const WORKER: &str = "echo-worker";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut server = launch_server("echo-unix", "unix", demo.deadlines())?;
    path_as_address(demo, &mut server)?;
    let mut client = server.connect()?;
    message_is_echoed(demo, &mut server, &mut client)?;
    peer_credentials(demo, &mut server, &client)?;
    drop((client, server));
    let (front, connection, client) = front_accepts(demo)?;
    descriptor_is_passed(demo, front, connection, client)
}

fn path_as_address(demo: &mut DemoRun<'_>, server: &mut Server) -> check::Result {
    demo.step("A path instead of a port")?;
    let path = server.address().path().map(Path::to_owned).unwrap_or_default();
    demo.explain(&format!(
        "The server echo-unix has called socket(2) with AF_UNIX instead of AF_INET, and bind(2) with a path instead of an \
         address and port: {}. listen(2) and accept(2) work as with TCP. bind(2) has created a file of type socket. The \
         file has no contents and cannot be opened; it is only a name. Its permissions say who may connect: on Linux \
         every user who may write to it. A port has no permissions.",
        printable_path(&path),
    ))?;
    let meta = fs::symlink_metadata(&path).or_broken("the socket's file")?;
    let is_socket = meta.file_type().is_socket();
    demo.verify("the path is a file of type socket", is_socket, "another type")?;
    let mode = meta.mode() & 0o777;
    let claim = format!("its mode is {mode:04o}: only user {} may connect", meta.uid());
    demo.verify(claim, mode & 0o077 == 0, format!("{mode:04o}"))?;
    demo.show_lines(&[format!("s{} user {}  {}", permissions(mode), meta.uid(), file_name(&path))])?;
    let shown = [ProcessSelection::sockets("server", server.pid()?)];
    let claim = "the server has one socket, which listens at that path, and no port";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        let sockets = snapshot.process("server").map_or(&[][..], |process| &process.rows);
        let mut sockets = sockets.iter().filter(|row| matches!(row.object, Object::Socket(_)));
        sockets.next().is_some_and(|row| listens_at(&row.object, &path)) && sockets.next().is_none()
    })?;
    demo.show(&snapshot)?;
    demo.explain(
        "(One thread of the server is blocked in accept(2). The main thread, whose state is at the lower edge of the box, \
         waits for SIGTERM or SIGINT, to remove the file before it exits. The kernel does not remove it, and bind(2) \
         fails if the file exists.)",
    )
}

fn listens_at(object: &Object, path: &Path) -> bool {
    matches!(object, Object::Socket(sys::Socket { name: SocketName::Unix(Some(name)), listening: true, .. }) if name == path)
}

/// Formats the permissions of a file as ls(1) does.
fn permissions(mode: u32) -> String {
    let letter = |(bit, letter): (u32, char)| if mode >> bit & 1 == 1 { letter } else { '-' };
    (0..9).rev().zip("rwxrwxrwx".chars()).map(letter).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| printable_path(Path::new(name))).unwrap_or_default()
}

fn printable_path(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

fn message_is_echoed(demo: &mut DemoRun<'_>, server: &mut Server, client: &mut Client) -> check::Result {
    demo.step("The rest works as with TCP")?;
    demo.explain(
        "The client (this demo) calls connect(2) with the path. From then on everything works as with TCP: accept(2) \
         returns a descriptor, and read(2) and write(2) carry bytes, with end of file, half-close and back-pressure. \
         But there is no network: no segments, no ports, no TIME_WAIT. The kernel copies the bytes of one process \
         directly into the socket of the other.",
    )?;
    demo.verify_ok("\"hello, path\" came back", client.exchange(b"hello, path"))?;
    let shown = [ProcessSelection::sockets("server", server.pid()?), select_clients("client", [&*client])];
    let claim = "the server has a second socket, for this client";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        let rows = snapshot.process("server").map_or(&[][..], |process| &process.rows);
        rows.iter().filter(|row| matches!(row.object, Object::Socket(_))).count() == 2
    })?;
    demo.show(&snapshot)?;
    demo.explain(
        "The server's end has the name of the listening socket. The client's end has no name: the client has not called \
         bind(2), and connect(2) gives a Unix domain socket no name.",
    )
}

fn peer_credentials(demo: &mut DemoRun<'_>, server: &mut Server, client: &Client) -> check::Result {
    demo.step("Who is at the other end?")?;
    demo.explain(
        "Both ends are on one machine, so the kernel knows their processes and users. A program asks with getsockopt(2): \
         SO_PEERCRED on Linux, LOCAL_PEERCRED on the BSDs and macOS. The client asks for the other end of its own \
         socket:",
    )?;
    let peer = sys::peer_credentials(client.input_descriptor()).or_broken("the peer's credentials")?;
    let process = peer.pid.map_or("(not shown by this system)".into(), |pid| pid.to_string());
    demo.show_lines(&[format!("process {process}, user {}, group {}", peer.uid, peer.gid)])?;
    if peer.pid.is_some() {
        let server = server.pid()?;
        demo.verify("the process is the server", peer.pid == Some(server), format!("it is {server}"))?;
    }
    demo.verify("the user is the user who has started this demo", peer.uid == geteuid(), peer.uid)?;
    demo.explain(
        "This needs no password, and no program can forge it: a database server can let the user alice log in as alice. \
         Over TCP a server knows only the address and the port of the other end, not the user.",
    )
}

/// The front process of a demo, which is this process: it accepts connections and passes them to a worker.
struct Front {
    listener: TcpListener,
    /// The front process's Unix domain socket, which is connected to the worker's standard input.
    to_worker: Client,
    worker: Instance,
}

impl Front {
    fn launch(demo: &DemoRun<'_>) -> check::Result<Front> {
        let (ours, theirs) = UnixStream::pair().or_broken("a pair of Unix domain sockets")?;
        let null = File::options().write(true).open("/dev/null").or_broken("/dev/null")?;
        let command = [program_path(WORKER)?.into_os_string()];
        let worker = Instance::start(command, [Some(theirs.into()), Some(null.into()), None]);
        let worker = worker.map_err(|error| launch_failed(WORKER, &error))?;
        let link =
            Link::socket(Socket::from(OwnedFd::from(ours))).or_broken("a pair of Unix domain sockets")?;
        Ok(Front { listener: listen()?.0, to_worker: Client::over_stream(link, demo.deadlines()), worker })
    }

    fn shown(&self, client: &TcpClient) -> [ProcessSelection; 3] {
        let front = select_clients("front", [&self.to_worker]).and_descriptor(&self.listener);
        [
            front,
            ProcessSelection::sockets("worker", self.worker.pid()),
            ProcessSelection::sockets("client", client.pid()),
        ]
    }
}

/// Launches the front process, its worker and a client, and accepts the client's connection. Returns the front
/// process, the connection and the client.
fn front_accepts(demo: &mut DemoRun<'_>) -> check::Result<(Front, Client, TcpClient)> {
    demo.step("A connection that will be passed on")?;
    let front = Front::launch(demo)?;
    let address = front.listener.local_addr().or_broken("an address")?;
    demo.explain(&format!(
        "Now there are three processes. The front, which is this demo, listens on the TCP port {}. A client, \
         echo-tcp-client, has connected, and the front has called accept(2). The third process is {WORKER}. It has no \
         listening socket. Its standard input is one end of a pair of Unix domain sockets, made with socketpair(2); \
         the front holds the other end.",
        address.port(),
    ))?;
    let client = TcpClient::launch(address, None, demo.deadlines())?;
    let connection = accept(&front.listener, demo.deadlines())?;
    let number = connection.input_descriptor().as_raw_fd();
    let [shown_front, worker, shown_client] = front.shown(&client);
    let shown = [shown_front.and_descriptor(&connection.input_descriptor()), worker, shown_client];
    let claim =
        format!("the connection with the client is descriptor {number} of the front; the worker has none");
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        connection_of(snapshot, "front") == Some(number)
            && connection_of(snapshot, "worker").is_none()
            && client_is_connected(snapshot)
    })?;
    demo.show(&snapshot)?;
    Ok((front, connection, client))
}

/// Returns the descriptor of the process `label` that is a TCP connection and visible in the snapshot.
fn connection_of(snapshot: &Snapshot, label: &str) -> Option<RawFd> {
    let process = snapshot.process(label)?;
    process
        .connections()
        .map(|(number, _)| number)
        .find(|number| process.descriptor_numbers().contains(number))
}

/// Returns whether the snapshot shows the other end of the client's connection.
fn client_is_connected(snapshot: &Snapshot) -> bool {
    snapshot.process("client").is_some_and(|process| process.connections().next().is_some())
        && !snapshot.shared.is_empty()
}

fn descriptor_is_passed(
    demo: &mut DemoRun<'_>,
    mut front: Front,
    connection: Client,
    mut client: TcpClient,
) -> check::Result {
    demo.step("The connection is passed to another process")?;
    let number = connection.input_descriptor().as_raw_fd();
    demo.explain(&format!(
        "The front calls sendmsg(2) on its Unix domain socket, with one byte of data and a control message of type \
         SCM_RIGHTS that contains its descriptor {number}. The worker's recvmsg(2) returns the byte and a descriptor, but \
         not the number {number}: that number means nothing in the worker's table. The kernel has added the same socket \
         to the worker's table, under the lowest free number. Then the front calls close(2) on its own descriptor. The \
         connection stays open: the kernel closes a socket only when its last descriptor is closed.",
    ))?;
    front.to_worker.send_with_descriptor(b"!", connection.input_descriptor().as_fd())?;
    drop(connection);
    let claim = "now only the worker holds the connection, under a number of its own";
    let snapshot = demo.wait_until(&front.shown(&client), claim, |snapshot| {
        connection_of(snapshot, "worker").is_some()
            && connection_of(snapshot, "front").is_none()
            && client_is_connected(snapshot)
    })?;
    demo.verify_ok("the client gets back \"hello, worker\"", client.stdio.exchange(b"hello, worker"))?;
    demo.show(&snapshot)?;
    demo.explain(
        "The client has not noticed. It has connected to the front's port, and is served by a process that has never \
         called accept(2). The worker could even run as another user, who may not use that port. The front has passed \
         the open socket itself, not its name. Every descriptor can be passed: a file, a pipe, a terminal.",
    )?;
    worker_exits(demo, front, client)
}

fn worker_exits(demo: &mut DemoRun<'_>, front: Front, mut client: TcpClient) -> check::Result {
    let Front { to_worker, mut worker, .. } = front;
    client.stdio.shut_down_write()?;
    demo.verify_ok("the client calls shutdown(2), and reads end of file", client.stdio.expect_eof())?;
    drop(to_worker);
    let claim = "the front closes its Unix domain socket, and the worker exits by itself, with exit status 0";
    demo.verify_exit(claim, &mut worker)
}

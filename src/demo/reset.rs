//! close(2) with unread data sends RST instead of FIN, and data is lost. RFC 9293 §3.6, RFC 2525 §2.17.

use std::io;
use std::net::{SocketAddr, TcpListener};

use nix::sys::signal::Signal;

use super::support::tcp_table::{self, connections_between};
use super::support::{
    Demo, DemoRun, TCP_CLIENT, TcpClient, accept, listen, select_clients, send_signal, take_snapshot,
};
use crate::check::{self, Finding, OrFinding};
use crate::deadline::until;
use crate::diagram::ProcessSelection;
use crate::payload::{KIB, payload};
use crate::server::describe_exit;
use crate::sys;
use crate::text::{count_with_noun, printable};
use crate::transport::Client;

pub(super) const DEMO: Demo =
    Demo { name: "reset", summary: "closing with unread data sends RST, not FIN, and data is lost", run };

/// The number of bytes of the server's answer: more than the kernel buffers for a client that reads nothing.
const ANSWER: usize = 256 * KIB;

const REQUEST: &[u8] = b"GET /answer, and please read me to the end\n";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let (listener, _) = listen()?;
    let answer = payload(ANSWER, 0, 0);
    close_after_reading(demo, &listener, &answer)?;
    close_without_reading(demo, &listener, &answer)
}

const NO_RESET: &str = "All of it has arrived: this system has sent a FIN in spite of the unread bytes, as the BSDs do. \
                        (RFC 2525 §2.17 calls this a fault, because the client believes that its request was read. On \
                        these systems the RST comes only when the client sends more.)";

/// A connection of a demo: a client in a process of its own, and the server's end.
struct Connection {
    client: TcpClient,
    server_end: Client,
}

impl Connection {
    /// Launches a client that sends a request, and accepts its connection.
    fn open(demo: &DemoRun<'_>, listener: &TcpListener) -> check::Result<Connection> {
        let address = listener.local_addr().or_broken("an address")?;
        let mut client = TcpClient::launch(address, None, demo.deadlines())?;
        let server_end = accept(listener, demo.deadlines())?;
        client.stdio.send(REQUEST)?;
        Ok(Connection { client, server_end })
    }

    fn shown(&self, listener: &TcpListener) -> [ProcessSelection; 2] {
        let server = select_clients("server", [&self.server_end]).and_descriptor(listener);
        [server, ProcessSelection::sockets("client", self.client.pid())]
    }

    /// Returns the addresses of a connection's two ends: the server's and the client's.
    fn addresses(&self, listener: &TcpListener) -> check::Result<(SocketAddr, SocketAddr)> {
        let local = listener.local_addr().or_broken("an address")?;
        let socket = self.server_end.link().as_socket();
        let remote = socket.and_then(|socket| socket.peer_addr().ok()?.as_socket());
        let remote =
            remote.ok_or_else(|| Finding::broken("the client's address", "getpeername(2) failed"))?;
        Ok((local, remote))
    }

    /// Stops the client, and writes as much of `answer` to it as the kernel buffers. Returns the number of bytes.
    fn answer_stopped_client(&mut self, demo: &mut DemoRun<'_>, answer: &[u8]) -> check::Result<usize> {
        send_signal(self.client.pid(), Signal::SIGSTOP)?;
        demo.wait_until_stopped(self.client.pid(), "the client is stopped")?;
        self.server_end.fill_until_blocked(answer)
    }
}

fn close_after_reading(demo: &mut DemoRun<'_>, listener: &TcpListener, answer: &[u8]) -> check::Result {
    demo.step("Everything is read before close: FIN")?;
    let mut connection = Connection::open(demo, listener)?;
    demo.explain(
        "Here this demo is the server, for a client in another process. The client has sent a request. The server reads \
         all of it, writes its answer, and calls close(2). Before the answer SIGSTOP stops the client, so the client \
         has read nothing of the answer when the server closes.",
    )?;
    demo.verify_ok("the server has read the whole request", connection.server_end.expect(REQUEST))?;
    let written = connection.answer_stopped_client(demo, answer)?;
    let snapshot = take_snapshot(&connection.shown(listener))?;
    demo.show(&snapshot)?;
    let (address, client_address) = connection.addresses(listener)?;
    let Connection { mut client, server_end } = connection;
    drop(server_end);
    demo.explain(&format!(
        "The server has written {}, and closed. It has no descriptor for the connection any more, and could even exit. \
         But the kernel still sends what was written and, after the last byte, the FIN.",
        count_with_noun(written, "byte"),
    ))?;
    let claim = "the server's end still exists without a process, until the client has received everything";
    let server = ProcessSelection::select_this_process("server").and_descriptor(listener);
    let snapshot = take_snapshot(&[server, ProcessSelection::sockets("client", client.pid())])?;
    let table = tcp_table::read_until(demo, address, &[client_address], claim, |table| {
        connections_between(table, address, client_address).iter().any(|end| end.local == address)
    })?;
    tcp_table::show_table(demo, table, &snapshot)?;
    demo.explain("SIGCONT lets the client go on. It reads.")?;
    send_signal(client.pid(), Signal::SIGCONT)?;
    let received = client.stdio.read_to_end()?;
    let all = count_with_noun(written, "byte");
    demo.verify(
        format!("all {all} arrived, and then end of file"),
        received == answer[..written],
        count_with_noun(received.len(), "byte"),
    )?;
    demo.verify_exit("the client exits with status 0", &mut client.instance)
}

fn close_without_reading(demo: &mut DemoRun<'_>, listener: &TcpListener, answer: &[u8]) -> check::Result {
    demo.step("Unread data at close: RST")?;
    let mut connection = Connection::open(demo, listener)?;
    let (address, client_address) = connection.addresses(listener)?;
    demo.explain(
        "The same again with a new client, but this server does not read the request. It answers and closes, like a \
         server that knows its answer in advance: \"404\", say, or \"too many clients\".",
    )?;
    verify_unread_request(demo, &mut connection, address, client_address)?;
    let written = connection.answer_stopped_client(demo, answer)?;
    let snapshot = take_snapshot(&connection.shown(listener))?;
    demo.show(&snapshot)?;
    let Connection { mut client, server_end } = connection;
    drop(server_end);
    demo.explain(&format!(
        "Again the server has written {}, and closed. But its socket contained bytes that the server had not read, and \
         now no process can read them. The client must not believe that they were read. So RFC 2525 asks for an RST \
         (reset) instead of a FIN, and Linux sends one. A reset ends both directions at once: the kernel discards \
         what it has not sent yet.",
        count_with_noun(written, "byte"),
    ))?;
    let claim = "nothing is left of the connection at either end, not even TIME_WAIT";
    tcp_table::read_until(demo, address, &[client_address], claim, |table| {
        connections_between(table, address, client_address).is_empty()
    })?;
    demo.explain("SIGCONT lets the client go on. It reads.")?;
    send_signal(client.pid(), Signal::SIGCONT)?;
    let received = client.stdio.read_to_end()?.len();
    if received == written {
        return demo.explain(NO_RESET);
    }
    let claim = format!(
        "of the {} only {} arrived",
        count_with_noun(written, "byte"),
        count_with_noun(received, "byte")
    );
    demo.verify(claim, received < written, "all of them")?;
    verify_reset(demo, &mut client)?;
    demo.explain(
        "How much arrives depends on chance: it is what the client's kernel had received before the RST. A short answer \
         may arrive whole, or not at all, so quick tests do not find this bug. To avoid it, read until end of file before \
         close(2); or call shutdown(2) with SHUT_WR first, and then read the rest. A client that closes with unread \
         data sends an RST too, and its server gets the error ECONNRESET: a server must not exit because of that error.",
    )
}

/// Waits until the client's whole request is in the server's socket, unread.
fn verify_unread_request(
    demo: &mut DemoRun<'_>,
    connection: &mut Connection,
    server: SocketAddr,
    client: SocketAddr,
) -> check::Result {
    let mut unread = 0;
    let found = until(demo.deadlines().no_progress(), || match sys::tcp_queues(server, client) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(Some(None)),
        Err(error) => Err(Finding::broken("the kernel's table of connections", error.to_string())),
        Ok(queues) => {
            unread = queues.map_or(0, |queues| queues.unread);
            Ok((unread == REQUEST.len()).then_some(Some(unread)))
        }
    })?;
    if found == Some(None) {
        let arrived = connection.server_end.readable_within(demo.deadlines().no_progress())?;
        return demo.verify("the request has arrived, and is unread", arrived, "nothing has arrived");
    }
    let claim = format!(
        "{} of the request are unread in the server's socket",
        count_with_noun(REQUEST.len(), "byte")
    );
    demo.verify(claim, found.is_some(), count_with_noun(unread, "byte"))
}

/// Verifies that the client exits with an error after the server has reset the connection, and shows its error
/// message.
fn verify_reset(demo: &mut DemoRun<'_>, client: &mut TcpClient) -> check::Result {
    let status = client.instance.wait(demo.deadlines().exit());
    let failed = status.is_some_and(|status| !status.success());
    let printed = client.instance.printed_anything(demo.deadlines().reply());
    let claim = "the client's read(2) has failed with ECONNRESET; the client prints the error and exits";
    demo.verify(claim, failed && printed, status.map_or("it still runs".into(), describe_exit))?;
    let output = client.instance.output().text();
    // RUST_BACKTRACE adds a backtrace to the message.
    let message = output.lines().take_while(|line| !line.starts_with("Stack backtrace"));
    let last = message.map(str::trim).filter(|line| !line.is_empty()).last().unwrap_or_default();
    demo.show_lines(&[format!("{TCP_CLIENT}: {}", printable(last))])
}

//! Half-close: one direction of a connection ends, the other goes on. shutdown(2), RFC 9293 §3.6.

use std::net::SocketAddr;

use super::support::tcp_table::{self, connections_between};
use super::support::{Demo, DemoRun, launch_server, select_clients, take_snapshot, tcp_address};
use crate::check;
use crate::diagram::{ProcessSelection, Snapshot};
use crate::payload::{KIB, payload};
use crate::server::Server;
use crate::sys::TcpState::{self, CloseWait, Established, FinWait2, TimeWait};
use crate::text::count_with_noun;
use crate::transport::Client;

pub(super) const DEMO: Demo =
    Demo { name: "half-close", summary: "a FIN ends one direction, while data flows in the other", run };

/// The number of bytes that the demo's client sends before its FIN.
const REQUEST: usize = 48 * KIB;

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut server = launch_server("echo-tcp", "tcp", demo.deadlines())?;
    let mut client = server.connect()?;
    both_directions_open(demo, &mut server, &mut client)?;
    let request = payload(REQUEST, 0, 0);
    client_shuts_down(demo, &mut server, &mut client, &request)?;
    server_still_sends(demo, &mut server, &mut client, &request)?;
    both_directions_closed(demo, &mut server, client)
}

fn shown(server: &mut Server, client: &Client) -> check::Result<[ProcessSelection; 2]> {
    Ok([ProcessSelection::sockets("server", server.pid()?), select_clients("client", [client])])
}

fn both_directions_open(demo: &mut DemoRun<'_>, server: &mut Server, client: &mut Client) -> check::Result {
    demo.step("Both directions are open")?;
    demo.explain(
        "A TCP connection is two independent streams of bytes, one in each direction. The client (this demo) has \
         connected to the server echo-tcp, and has exchanged one message with it.",
    )?;
    demo.verify_ok("\"hello\" came back", client.exchange(b"hello"))?;
    let snapshot =
        demo.wait_until(&shown(server, client)?, "each side has one socket for it", |snapshot| {
            snapshot.shared.len() == 1
        })?;
    demo.show(&snapshot)?;
    let claim = "both ends of the connection are ESTABLISHED";
    verify_states(demo, server, client, &snapshot, claim, [Established, Established])
}

/// Verifies the TCP states of the server's end and the client's end, and shows the kernel's table.
fn verify_states(
    demo: &mut DemoRun<'_>,
    server: &Server,
    client: &Client,
    snapshot: &Snapshot,
    claim: &str,
    [server_state, client_state]: [TcpState; 2],
) -> check::Result {
    let (server, client) = (tcp_address(server)?, client.local_address()?);
    let table = tcp_table::read_until(demo, server, &[client], claim, |table| {
        let is = |local: SocketAddr, state| {
            connections_between(table, server, client)
                .iter()
                .any(|end| end.local == local && end.state == state)
        };
        is(server, server_state) && is(client, client_state)
    })?;
    tcp_table::show_table(demo, table, snapshot)
}

fn client_shuts_down(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    client: &mut Client,
    request: &[u8],
) -> check::Result {
    demo.step("A FIN ends one direction")?;
    demo.explain(&format!(
        "SIGSTOP stops the server, so that the next state lasts long enough to be seen. The client writes {}, and \
         calls shutdown(2) with SHUT_WR: it will send no more. Its kernel sends the bytes and, after the last of \
         them, a FIN. The server's kernel receives all of it, although the server has read nothing yet.",
        count_with_noun(request.len(), "byte"),
    ))?;
    server.freeze()?;
    client.send(request)?;
    client.shut_down_write()?;
    let snapshot = take_snapshot(&shown(server, client)?)?;
    let claim = "the client's end is in FIN_WAIT2, the server's in CLOSE_WAIT";
    verify_states(demo, server, client, &snapshot, claim, [CloseWait, FinWait2])?;
    demo.explain(
        "FIN_WAIT2: this side's FIN is acknowledged, and it waits for the FIN of the other side. CLOSE_WAIT: this side \
         has received a FIN, and waits for its program to close the socket. A server with many sockets in CLOSE_WAIT \
         has forgotten to close them. Both descriptors are still open.",
    )?;
    let open =
        demo.wait_until(&shown(server, client)?, "both sides still hold their sockets", |snapshot| {
            snapshot.process("server").is_some_and(|process| process.has_tcp_sockets(1, 1))
                && snapshot.shared.len() == 1
        })?;
    demo.show(&open)
}

fn server_still_sends(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    client: &mut Client,
    request: &[u8],
) -> check::Result {
    demo.step("The other direction goes on")?;
    demo.explain(
        "SIGCONT lets the server go on. It reads what the client has written, and writes it back, although the client \
         has already ended its own direction. After the last byte the server's read(2) returns 0, end of file. Then \
         the server calls close(2), and its own FIN follows its own last byte.",
    )?;
    server.thaw()?;
    let number = count_with_noun(request.len(), "byte");
    demo.verify_ok(
        format!("all {number} came back after the client's FIN, in order"),
        client.expect(request),
    )?;
    demo.verify_ok("and then the client reads end of file", client.expect_eof())?;
    demo.explain(
        "A program like `sort` needs this when it works over a network: it can answer only after it has read all of its \
         input. A server that closes the connection as soon as it sees a FIN loses the rest of its own answer. A \
         client that calls close(2) instead of shutdown(2) ends both directions, and gets no answer (see the demo \
         reset).",
    )
}

fn both_directions_closed(demo: &mut DemoRun<'_>, server: &mut Server, client: Client) -> check::Result {
    demo.step("Both directions have ended")?;
    let address = client.local_address()?;
    drop(client);
    demo.explain(
        "The client calls close(2) too. Four segments have ended the connection: a FIN and its acknowledgement in each \
         direction. The side that sent the first FIN keeps the connection for a while, in the state TIME_WAIT (see \
         the demo time-wait).",
    )?;
    let shown = [ProcessSelection::sockets("server", server.pid()?)];
    let snapshot =
        demo.wait_until(&shown, "the server has closed its socket for this client", |snapshot| {
            snapshot.process("server").is_some_and(|process| process.has_tcp_sockets(1, 0))
        })?;
    let server = tcp_address(server)?;
    let claim = "the client's end is in TIME_WAIT, and the server's end is gone";
    let table = tcp_table::read_until(demo, server, &[address], claim, |table| {
        let ends = connections_between(table, server, address);
        matches!(ends[..], [end] if end.local == address && end.state == TimeWait)
    })?;
    tcp_table::show_table(demo, table, &snapshot)
}

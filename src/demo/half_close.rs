//! One direction of a connection ends, the other goes on. shutdown(2), RFC 9293 §3.6.

use std::net::SocketAddr;

use super::support::{
    Demo, DemoRun, launch_server, select_clients, take_snapshot, tcp_address,
    tcp_table::{self, between},
};
use crate::check;
use crate::diagram::{Selection, Snapshot};
use crate::payload::{KIB, payload};
use crate::server::Server;
use crate::sys::TcpState::{self, CloseWait, Established, FinWait2, TimeWait};
use crate::text::count;
use crate::transport::Client;

pub(super) const DEMO: Demo =
    Demo { name: "half-close", says: "a FIN ends one direction, while data flows in the other", run };

/// What the client says before its FIN.
const LAST_WORDS: usize = 48 * KIB;

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut server = launch_server("echo-tcp", "tcp", demo.deadlines())?;
    let mut client = server.connect()?;
    both_ways(demo, &mut server, &mut client)?;
    let words = payload(LAST_WORDS, 0, 0);
    the_client_ends_its_direction(demo, &mut server, &mut client, &words)?;
    the_other_direction_goes_on(demo, &mut server, &mut client, &words)?;
    both_have_ended(demo, &mut server, client)
}

fn shown(server: &mut Server, client: &Client) -> check::Result<[Selection; 2]> {
    Ok([Selection::sockets("server", server.pid()?), select_clients("client", [client])])
}

fn both_ways(demo: &mut DemoRun<'_>, server: &mut Server, client: &mut Client) -> check::Result {
    demo.step("Open both ways")?;
    demo.explain(
        "A connection is two streams of bytes, one each way, which have nothing to do with each other. The client \
         (this demo) has connected to the server echo-tcp, and has had one message echoed.",
    )?;
    demo.verify_ok("\"hello\" came back", client.exchange(b"hello"))?;
    let snapshot =
        demo.wait_until(&shown(server, client)?, "each side has one socket for it", |snapshot| {
            snapshot.shared.len() == 1
        })?;
    demo.show(&snapshot)?;
    let claim = "both ends of the connection are ESTABLISHED";
    states(demo, server, client, &snapshot, claim, [Established, Established])
}

/// Claims the states of the server's end and of the client's, and shows the kernel's table.
fn states(
    demo: &mut DemoRun<'_>,
    server: &Server,
    client: &Client,
    snapshot: &Snapshot,
    claim: &str,
    [theirs, ours]: [TcpState; 2],
) -> check::Result {
    let (server, client) = (tcp_address(server)?, client.local_address()?);
    let table = tcp_table::wait_until(demo, server, &[client], claim, |table| {
        let is = |local: SocketAddr, state| {
            between(table, server, client).iter().any(|end| end.local == local && end.state == state)
        };
        is(server, theirs) && is(client, ours)
    })?;
    tcp_table::show(demo, table, snapshot)
}

fn the_client_ends_its_direction(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    client: &mut Client,
    words: &[u8],
) -> check::Result {
    demo.step("A FIN ends one direction")?;
    demo.explain(&format!(
        "The server is stopped for a moment (SIGSTOP), to see what would be over in an instant. The client writes \
         {}, and calls shutdown(2) with SHUT_WR: no more from me. Its kernel sends the bytes and, behind \
         the last of them, a FIN. The server's kernel takes all of it in, although the server has read nothing yet.",
        count(words.len(), "byte"),
    ))?;
    server.freeze()?;
    client.send(words)?;
    client.shut_down_write()?;
    let snapshot = take_snapshot(&shown(server, client)?)?;
    let claim = "the client's end is in FIN_WAIT2, the server's in CLOSE_WAIT";
    states(demo, server, client, &snapshot, claim, [CloseWait, FinWait2])?;
    demo.explain(
        "FIN_WAIT2: my FIN is acknowledged, I wait for yours. CLOSE_WAIT: I have got a FIN, and this end waits for \
         its program to close it. A server that has many sockets in CLOSE_WAIT has forgotten to. Neither side is \
         closed: both descriptors are as open as before.",
    )?;
    let open =
        demo.wait_until(&shown(server, client)?, "both sides still hold their sockets", |snapshot| {
            snapshot.process("server").is_some_and(|process| process.has_tcp_sockets(1, 1))
                && snapshot.shared.len() == 1
        })?;
    demo.show(&open)
}

fn the_other_direction_goes_on(
    demo: &mut DemoRun<'_>,
    server: &mut Server,
    client: &mut Client,
    words: &[u8],
) -> check::Result {
    demo.step("The other direction goes on")?;
    demo.explain(
        "SIGCONT: the server reads what the client had written, and writes it back. All this goes to a client that \
         has long said that it will send no more. Only behind the last byte does the server's read(2) return 0, end \
         of file; then it calls close(2), and its own FIN follows its own last byte.",
    )?;
    server.thaw()?;
    let number = count(words.len(), "byte");
    demo.verify_ok(format!("all {number} came back after the client's FIN, in order"), client.expect(words))?;
    demo.verify_ok("and then the client reads end of file", client.expect_eof())?;
    demo.explain(
        "This is how `sort` over a network can work: it may answer only when it knows that it has heard everything. \
         A server that takes a FIN for a good-bye and closes at once would cut its own answer off. A client that \
         calls close(2) instead of shutdown(2) ends both directions, and gets no answer (see the demo reset).",
    )
}

fn both_have_ended(demo: &mut DemoRun<'_>, server: &mut Server, client: Client) -> check::Result {
    demo.step("Both directions have ended")?;
    let address = client.local_address()?;
    drop(client);
    demo.explain(
        "The client calls close(2) too. Four segments have ended the connection: a FIN and its acknowledgement, each \
         way. The side that sent the first FIN remembers the connection for a while, in TIME_WAIT (see the demo \
         time-wait).",
    )?;
    let shown = [Selection::sockets("server", server.pid()?)];
    let snapshot =
        demo.wait_until(&shown, "the server has closed its socket for this client", |snapshot| {
            snapshot.process("server").is_some_and(|process| process.has_tcp_sockets(1, 0))
        })?;
    let server = tcp_address(server)?;
    let claim = "the client's end is in TIME_WAIT, and the server's end is gone";
    let table = tcp_table::wait_until(demo, server, &[address], claim, |table| {
        let ends = between(table, server, address);
        matches!(ends[..], [end] if end.local == address && end.state == TimeWait)
    })?;
    tcp_table::show(demo, table, &snapshot)
}

//! Closing with unread data sends RST instead of FIN, and loses data. RFC 9293 §3.6, RFC 2525 §2.17.

use std::io;
use std::net::{SocketAddr, TcpListener};

use nix::sys::signal::Signal;

use super::support::{
    Demo, DemoRun, TcpClient, accept, listen, select_clients, send_signal, take_snapshot,
    tcp_table::{self, between},
};
use crate::check::{self, Finding, OrFinding};
use crate::deadline::until;
use crate::diagram::Selection;
use crate::payload::{KIB, payload};
use crate::server::describe;
use crate::sys;
use crate::text::{count, printable};
use crate::transport::Client;

pub(super) const DEMO: Demo =
    Demo { name: "reset", says: "closing with unread data sends RST, not FIN, and data is lost", run };

/// What the server says. More than the client's kernel takes in while the client sleeps.
const ANSWER: usize = 256 * KIB;

const QUESTION: &[u8] = b"GET /answer, and please read me to the end\n";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let (listener, _) = listen()?;
    let answer = payload(ANSWER, 0, 0);
    read_and_closed(demo, &listener, &answer)?;
    closed_unread(demo, &listener, &answer)
}

const NO_RESET: &str = "All of it has arrived: this system has sent a FIN in spite of the unread bytes, as the BSDs do. \
                        (RFC 2525 §2.17 names this a fault, for now the client believes that its question was read. \
                        There the reset comes only when the client sends more.)";

/// A client in a process of its own, and the server's end of its connection.
struct Pair {
    tcp_client: TcpClient,
    served: Client,
}

impl Pair {
    fn meet(demo: &DemoRun<'_>, listener: &TcpListener) -> check::Result<Pair> {
        let address = listener.local_addr().or_broken("an address")?;
        let mut tcp_client = TcpClient::launch(address, None, demo.deadlines())?;
        let served = accept(listener, demo.deadlines())?;
        tcp_client.stdio.send(QUESTION)?;
        Ok(Pair { tcp_client, served })
    }

    fn shown(&self, listener: &TcpListener) -> [Selection; 2] {
        let server = select_clients("server", [&self.served]).and(listener);
        [server, Selection::sockets("client", self.tcp_client.pid())]
    }

    /// Stops the client, and gives its kernel as much of `answer` as there is room for; answers how much.
    fn answer_a_sleeper(&mut self, demo: &mut DemoRun<'_>, answer: &[u8]) -> check::Result<usize> {
        send_signal(self.tcp_client.instance.pid(), Signal::SIGSTOP)?;
        demo.wait_until_stopped(self.tcp_client.pid(), "the client is stopped")?;
        self.served.fill_until_blocked(answer)
    }
}

fn read_and_closed(demo: &mut DemoRun<'_>, listener: &TcpListener, answer: &[u8]) -> check::Result {
    demo.step("Everything read, then closed: FIN")?;
    let mut pair = Pair::meet(demo, listener)?;
    demo.explain(
        "This demo plays a server itself, for a client in a process of its own. The client has sent a question. The \
         server reads it to the end, writes its answer, and calls close(2). The client is stopped meanwhile (SIGSTOP), \
         so it has read nothing of the answer when the server has long closed.",
    )?;
    demo.verify_ok("the server has read the whole question", pair.served.expect(QUESTION))?;
    let written = pair.answer_a_sleeper(demo, answer)?;
    let snapshot = take_snapshot(&pair.shown(listener))?;
    demo.show(&snapshot)?;
    let Pair { mut tcp_client, served } = pair;
    let (address, client) = ends(listener, &served)?;
    drop(served);
    demo.explain(&format!(
        "The server has written {}, and closed. It has no descriptor for the connection any more, and could \
         even end. But the kernel has not forgotten what was written: it goes on sending, and behind the last byte \
         it sends the FIN.",
        count(written, "byte"),
    ))?;
    let claim = "the server's end lives on without any process, until the client has everything";
    let snapshot = take_snapshot(&[
        Selection::this_process("server").and(listener),
        Selection::sockets("client", tcp_client.pid()),
    ])?;
    let table = tcp_table::wait_until(demo, address, &[client], claim, |table| {
        between(table, address, client).iter().any(|end| end.local == address)
    })?;
    tcp_table::show(demo, table, &snapshot)?;
    demo.explain("SIGCONT: the client reads.")?;
    send_signal(tcp_client.instance.pid(), Signal::SIGCONT)?;
    let received = tcp_client.stdio.read_to_end()?;
    let all = count(written, "byte");
    demo.verify(
        format!("all {all} arrived, and then end of file"),
        received == answer[..written],
        count(received.len(), "byte"),
    )?;
    ends_with(demo, &mut tcp_client, true)
}

/// The addresses of the server's end and of the client's.
fn ends(listener: &TcpListener, served: &Client) -> check::Result<(SocketAddr, SocketAddr)> {
    let local = listener.local_addr().or_broken("an address")?;
    let remote = served.link().as_socket().and_then(|socket| socket.peer_addr().ok()?.as_socket());
    let remote = remote.ok_or_else(|| Finding::broken("the client's address", "getpeername(2) gave none"))?;
    Ok((local, remote))
}

fn closed_unread(demo: &mut DemoRun<'_>, listener: &TcpListener, answer: &[u8]) -> check::Result {
    demo.step("Closed with unread data: RST")?;
    let mut pair = Pair::meet(demo, listener)?;
    let (address, client) = ends(listener, &pair.served)?;
    demo.explain(
        "The same again with a new client; but this server does not read the question. It answers and closes, as one \
         would that knows its answer already: \"404\", say, or \"too many clients\".",
    )?;
    unread(demo, &mut pair, address, client)?;
    let written = pair.answer_a_sleeper(demo, answer)?;
    let snapshot = take_snapshot(&pair.shown(listener))?;
    demo.show(&snapshot)?;
    let Pair { mut tcp_client, served } = pair;
    drop(served);
    demo.explain(&format!(
        "Again the server has written {}, just as before, and closed. But bytes were waiting in its socket that \
         nobody has read and now nobody can read any more. Their sender must not believe that they were heard: RFC 2525 asks \
         for RST then, reset, in place of a FIN, and so does Linux. A reset ends both directions at once: what the \
         server's kernel has not sent yet it throws away.",
        count(written, "byte"),
    ))?;
    let claim = "nothing is left of the connection at either end, not even TIME_WAIT";
    tcp_table::wait_until(demo, address, &[client], claim, |table| {
        between(table, address, client).is_empty()
    })?;
    demo.explain("SIGCONT: the client reads.")?;
    send_signal(tcp_client.instance.pid(), Signal::SIGCONT)?;
    let received = tcp_client.stdio.read_to_end()?.len();
    if received == written {
        return demo.explain(NO_RESET);
    }
    let claim = format!("of the {} only {} arrived", count(written, "byte"), count(received, "byte"));
    demo.verify(claim, received < written, "all of them")?;
    ends_with(demo, &mut tcp_client, false)?;
    demo.explain(
        "How much arrives is luck: what the client's kernel had before the RST came. A short answer may come through whole, \
         or not at all, so such a server works in every quick test. The cure: read to the end of file before \
         close(2), or call shutdown(2) with SHUT_WR, and read what still comes. A client that goes away with unread data \
         resets in the same way, and its server gets ECONNRESET: that is why a server must not end at that error.",
    )
}

/// Waits until the question lies in the server's socket, and has not been read.
fn unread(demo: &mut DemoRun<'_>, pair: &mut Pair, server: SocketAddr, client: SocketAddr) -> check::Result {
    let mut seen = 0;
    let found = until(demo.deadlines().no_progress(), || match sys::tcp_queues(server, client) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(Some(None)),
        Err(error) => Err(Finding::broken("the kernel's table of connections", error.to_string())),
        Ok(queues) => {
            seen = queues.map_or(0, |queues| queues.unread);
            Ok((seen == QUESTION.len()).then_some(Some(seen)))
        }
    })?;
    if found == Some(None) {
        let came = pair.served.readable_within(demo.deadlines().no_progress())?;
        return demo.verify("the question has come, and has not been read", came, "nothing came");
    }
    let claim =
        format!("{} of the question lie unread in the server's socket", count(QUESTION.len(), "byte"));
    demo.verify(claim, found.is_some(), count(seen, "byte"))
}

/// Claims how the client ended, and shows what it said about it.
fn ends_with(demo: &mut DemoRun<'_>, tcp_client: &mut TcpClient, well: bool) -> check::Result {
    if well {
        return demo.verify_exit("the client is content: exit status 0", &mut tcp_client.instance);
    }
    let status = tcp_client.instance.wait(demo.deadlines().exit());
    let seen = status.map_or("it still runs".into(), describe);
    let failed = status.is_some_and(|status| !status.success());
    let said = tcp_client.instance.printed_anything(demo.deadlines().reply());
    let words = tcp_client.instance.output().last_lines(1);
    let claim = "the client's read(2) has failed with ECONNRESET, and it says so";
    demo.verify(claim, failed && said, seen)?;
    demo.show_lines(&words.iter().map(|line| printable(line)).collect::<Vec<_>>())
}

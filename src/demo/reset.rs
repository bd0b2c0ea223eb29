//! Closing with unread data sends RST instead of FIN, and loses data. RFC 9293 §3.6, RFC 2525 §2.17.

use std::io;
use std::net::{SocketAddr, TcpListener};

use nix::sys::signal::Signal;

use super::Demo;
use super::connections::{self, between};
use super::launch::{Visitor, accept, listener, send};
use super::picture::{Actor, Picture};
use super::story::Story;
use crate::check::{self, Finding, OrFinding};
use crate::deadline::until;
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

fn run(story: &mut Story<'_>) -> check::Result {
    let (listener, _) = listener()?;
    let answer = payload(ANSWER, 0, 0);
    read_and_closed(story, &listener, &answer)?;
    closed_unread(story, &listener, &answer)
}

const NO_RESET: &str = "All of it has arrived: this system has sent a FIN in spite of the unread bytes, as the BSDs do. \
                        (RFC 2525 §2.17 names this a fault, for now the client believes that its question was read. \
                        There the reset comes only when the client sends more.)";

/// A client in a process of its own, and the server's end of its connection.
struct Pair {
    visitor: Visitor,
    served: Client,
}

impl Pair {
    fn meet(story: &Story<'_>, listener: &TcpListener) -> check::Result<Pair> {
        let address = listener.local_addr().or_broken("an address")?;
        let mut visitor = Visitor::launch(address, None, story.deadlines())?;
        let served = accept(listener, story.deadlines())?;
        visitor.talk.send(QUESTION)?;
        Ok(Pair { visitor, served })
    }

    fn cast(&self, listener: &TcpListener) -> [Actor; 2] {
        let server = Actor::clients("server", [&self.served]).and(listener);
        [server, Actor::sockets("client", self.visitor.pid())]
    }

    /// Stops the client, and gives its kernel as much of `answer` as there is room for; answers how much.
    fn answer_a_sleeper(&mut self, story: &mut Story<'_>, answer: &[u8]) -> check::Result<usize> {
        send(self.visitor.instance.pid(), Signal::SIGSTOP)?;
        story.observe_stop(self.visitor.pid(), "the client is stopped")?;
        self.served.fill_until_blocked(answer)
    }
}

fn read_and_closed(story: &mut Story<'_>, listener: &TcpListener, answer: &[u8]) -> check::Result {
    story.step("Everything read, then closed: FIN")?;
    let mut pair = Pair::meet(story, listener)?;
    story.tell(
        "This demo plays a server itself, for a client in a process of its own. The client has sent a question. The \
         server reads it to the end, writes its answer, and calls close(2). The client is stopped meanwhile (SIGSTOP), \
         so it has read nothing of the answer when the server has long closed.",
    )?;
    story.proven("the server has read the whole question", pair.served.expect(QUESTION))?;
    let written = pair.answer_a_sleeper(story, answer)?;
    let picture = Picture::take(&pair.cast(listener))?;
    story.show(&picture)?;
    let Pair { mut visitor, served } = pair;
    let (address, client) = ends(listener, &served)?;
    drop(served);
    story.tell(&format!(
        "The server has written {}, and closed. It has no descriptor for the connection any more, and could \
         even end. But the kernel has not forgotten what was written: it goes on sending, and behind the last byte \
         it sends the FIN.",
        count(written, "byte"),
    ))?;
    let claim = "the server's end lives on without any process, until the client has everything";
    let picture = Picture::take(&[
        Actor::clients("server", []).and(listener),
        Actor::sockets("client", visitor.pid()),
    ])?;
    let table = connections::observe(story, address, &[client], claim, |table| {
        between(table, address, client).iter().any(|end| end.local == address)
    })?;
    connections::show(story, table, &picture)?;
    story.tell("SIGCONT: the client reads.")?;
    send(visitor.instance.pid(), Signal::SIGCONT)?;
    let received = visitor.talk.read_to_end()?;
    let all = count(written, "byte");
    story.claim(
        format!("all {all} arrived, and then end of file"),
        received == answer[..written],
        count(received.len(), "byte"),
    )?;
    ends_with(story, &mut visitor, true)
}

/// The addresses of the server's end and of the client's.
fn ends(listener: &TcpListener, served: &Client) -> check::Result<(SocketAddr, SocketAddr)> {
    let local = listener.local_addr().or_broken("an address")?;
    let remote = served.link().as_socket().and_then(|socket| socket.peer_addr().ok()?.as_socket());
    let remote = remote.ok_or_else(|| Finding::broken("the client's address", "getpeername(2) gave none"))?;
    Ok((local, remote))
}

fn closed_unread(story: &mut Story<'_>, listener: &TcpListener, answer: &[u8]) -> check::Result {
    story.step("Closed with unread data: RST")?;
    let mut pair = Pair::meet(story, listener)?;
    let (address, client) = ends(listener, &pair.served)?;
    story.tell(
        "The same again with a new client; but this server does not read the question. It answers and closes, as one \
         would that knows its answer already: \"404\", say, or \"too many clients\".",
    )?;
    unread(story, &mut pair, address, client)?;
    let written = pair.answer_a_sleeper(story, answer)?;
    let picture = Picture::take(&pair.cast(listener))?;
    story.show(&picture)?;
    let Pair { mut visitor, served } = pair;
    drop(served);
    story.tell(&format!(
        "Again the server has written {}, just as before, and closed. But bytes were waiting in its socket that \
         nobody has read and now nobody can read any more. Their sender must not believe that they were heard: RFC 2525 asks \
         for RST then, reset, in place of a FIN, and so does Linux. A reset ends both directions at once: what the \
         server's kernel has not sent yet it throws away.",
        count(written, "byte"),
    ))?;
    let claim = "nothing is left of the connection at either end, not even TIME_WAIT";
    connections::observe(story, address, &[client], claim, |table| {
        between(table, address, client).is_empty()
    })?;
    story.tell("SIGCONT: the client reads.")?;
    send(visitor.instance.pid(), Signal::SIGCONT)?;
    let received = visitor.talk.read_to_end()?.len();
    if received == written {
        return story.tell(NO_RESET);
    }
    let claim = format!("of the {} only {} arrived", count(written, "byte"), count(received, "byte"));
    story.claim(claim, received < written, "all of them")?;
    ends_with(story, &mut visitor, false)?;
    story.tell(
        "How much arrives is luck: what the client's kernel had before the RST came. A short answer may come through whole, \
         or not at all, so such a server works in every quick test. The cure: read to the end of file before \
         close(2), or call shutdown(2) with SHUT_WR, and read what still comes. A client that goes away with unread data \
         resets in the same way, and its server gets ECONNRESET: that is why a server must not end at that error.",
    )
}

/// Waits until the question lies in the server's socket, and has not been read.
fn unread(story: &mut Story<'_>, pair: &mut Pair, server: SocketAddr, client: SocketAddr) -> check::Result {
    let mut seen = 0;
    let found = until(story.deadlines().no_progress(), || match sys::tcp_queues(server, client) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(Some(None)),
        Err(error) => Err(Finding::broken("the kernel's table of connections", error.to_string())),
        Ok(queues) => {
            seen = queues.map_or(0, |queues| queues.unread);
            Ok((seen == QUESTION.len()).then_some(Some(seen)))
        }
    })?;
    if found == Some(None) {
        let came = pair.served.readable_within(story.deadlines().no_progress())?;
        return story.claim("the question has come, and has not been read", came, "nothing came");
    }
    let claim =
        format!("{} of the question lie unread in the server's socket", count(QUESTION.len(), "byte"));
    story.claim(claim, found.is_some(), count(seen, "byte"))
}

/// Claims how the client ended, and shows what it said about it.
fn ends_with(story: &mut Story<'_>, visitor: &mut Visitor, well: bool) -> check::Result {
    let status = visitor.instance.wait(story.deadlines().exit());
    let seen = status.map_or("it lives on".into(), describe);
    let is_so = status.is_some_and(|status| status.success() == well);
    if well {
        return story.claim("the client is content: exit status 0", is_so, seen);
    }
    let said = visitor.instance.printed_anything(story.deadlines().reply());
    let words = visitor.instance.output().last_lines(1);
    let claim = "the client's read(2) has failed with ECONNRESET, and it says so";
    story.claim(claim, is_so && said, seen)?;
    story.show_lines(&words.iter().map(|line| printable(line)).collect::<Vec<_>>())
}

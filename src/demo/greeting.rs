//! Who speaks first? TCP does not say: the protocol must.

use super::Demo;
use super::connections::{self, between};
use super::launch::{self, VISITOR, Visitor, accept, listener, server};
use super::picture::{Actor, Picture};
use super::story::Story;
use crate::check;
use crate::server::describe;
use crate::sys::TcpState;

pub(super) const DEMO: Demo =
    Demo { name: "greeting", says: "a server that speaks first, and two who wait for each other", run };

const GREETING: &[u8] = b"hello from the server\n";

fn run(story: &mut Story<'_>) -> check::Result {
    the_server_speaks_first(story)?;
    nobody_speaks_first(story)
}

fn the_server_speaks_first(story: &mut Story<'_>) -> check::Result {
    story.step("The server speaks first")?;
    story.tell(&format!(
        "The first server of many textbooks: it calls accept(2), writes one line, and calls close(2). This demo plays it. \
         The client, {VISITOR}, is a process of its own with nothing on its standard input: it calls connect(2) and \
         read(2), and writes nothing.",
    ))?;
    let (listener, address) = listener()?;
    let mut client = Visitor::launch(address, None, story.deadlines())?;
    let mut served = accept(&listener, story.deadlines())?;
    let server = Actor::clients("server", [&served]).and(&listener);
    let cast = [server, Actor::sockets("client", client.pid())];
    let claim = "they are connected, and neither has written yet";
    let picture = story.observe(&cast, claim, |picture| picture.joints.len() == 1)?;
    story.show(&picture)?;
    let local = picture.player("client").and_then(|player| player.sockets().next()?.local_address());
    served.send(GREETING)?;
    // Orderly: what the client has sent, nothing, has been read to the end.
    drop(served);
    let read = client.talk.expect(GREETING);
    story.proven("the client reads \"hello from the server\", and has not sent a byte", read)?;
    story.proven("then it reads end of file: the server has closed", client.talk.expect_eof())?;
    let status = client.instance.wait(story.deadlines().exit());
    let seen = status.map_or("it lives on".into(), describe);
    let well = status.is_some_and(|status| status.success());
    story.claim("and ends by itself, with exit status 0", well, seen)?;
    story.tell(
        "That is a protocol: the server begins, and the end of the connection is the end of the message. Servers for \
         mail (SMTP), files (FTP) and remote logins (SSH) speak first too. Those for the web (HTTP) wait to be asked, \
         and so do echo servers. `echospec check` finds out which kind it has to do with: the check \
         echo/nothing-unasked fails for a server that greets.",
    )?;
    let (Some(local), picture) = (local, Picture::take(&[Actor::clients("server", []).and(&listener)])?)
    else {
        return Ok(());
    };
    story.tell("And whoever closes first remembers (see the demo time-wait). A server that always does collects these:")?;
    let claim = "the server's end of the connection is in TIME_WAIT";
    let table = connections::observe(story, address, &[local], claim, |table| {
        let ends = between(table, address, local);
        matches!(ends[..], [end] if end.local == address && end.state == TcpState::TimeWait)
    })?;
    connections::show(story, table, &picture)
}

fn nobody_speaks_first(story: &mut Story<'_>) -> check::Result {
    story.step("Nobody speaks first")?;
    let mut server = server("echo-tcp", "tcp", story.deadlines())?;
    let mut client = Visitor::launch(launch::port(&server)?, None, story.deadlines())?;
    story.tell(
        "Now the same client connects to echo-tcp, which answers but never begins. If the client has been written for a \
         server that greets, both wait for the other. Nothing is wrong with the connection, and no error will ever \
         come: TCP carries bytes, it does not know whose turn it is.",
    )?;
    let cast = [Actor::sockets("server", server.pid()?), Actor::sockets("client", client.pid())];
    let picture = story.observe(&cast, "they are connected", |picture| picture.joints.len() == 1)?;
    let silent = !client.talk.readable_within(story.deadlines().quiet())?;
    story.claim("nothing comes, and nothing would", silent, "something came")?;
    story.observe_sleep(client.pid(), "wait", "the client sleeps in read(2) on its socket")?;
    story.show(&picture)?;
    story.tell(
        "(Under the server's box is where its main thread sleeps, in accept(2) for the next client. The thread that serves \
         this one sleeps in read(2), as the client does.) It takes one of them to begin:",
    )?;
    story.proven("the client says \"hello?\", and gets it back", client.talk.exchange(b"hello?"))
}

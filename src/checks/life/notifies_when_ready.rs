//! Checks when a server that uses sd_notify(3) says that it is ready.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use nix::poll::{PollFd, PollFlags};

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::deadline::{WaitOutcome, until, wait};
use crate::outcome::Level::Should;
use crate::server::{Instance, LaunchOptions, Server};
use crate::text::excerpt;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/notifies-when-ready",
    level: Should,
    sentence: "a server that uses sd_notify(3) sends READY=1, and sends it only after it listens",
    why: "the service manager starts the units that depend on the server as soon as it reads READY=1, and their first connections are refused",
    citations: &["sd_notify(3)", "systemd.service(5) (Type=notify)"],
    recipe: "start the server with NOTIFY_SOCKET as the path of a datagram socket; read its messages; start it again with room in the socket's queue only for the messages that came before READY=1, so that it waits in sendmsg(2), and look whether it listens by then",
    requires: Capabilities::MANY_CLIENTS.union(Capabilities::BINDS),
    run,
};

/// The harm of a server that never sends READY=1 to its service manager, as a report states it.
const NEVER: &str = "the service manager waits until its time limit, and then kills the server as one that has failed to start";

/// The message with which a check fills the notification queue before the server sends.
const FILLING: &[u8] = b"echospec";

fn run(server: &mut Server) -> check::Result {
    server.crash();
    let socket = NotifySocket::bind(server)?;
    let mut instance = start(server, &socket)?;
    let messages = socket.messages_until_ready(server, &mut instance)?;
    if messages.is_empty() {
        // No verdict: most servers do not use sd_notify.
        let reason = "the server sends no message of sd_notify(3)";
        return Err(Finding::unsupported("", "").because(reason));
    }
    let Some(earlier) = messages.iter().position(|message| says_ready(message)) else {
        let all = messages.join("\n");
        let actual = format!("it serves its clients, and has sent only {}", excerpt(all.as_bytes()));
        return Err(Finding::fail("the message READY=1", actual).harms(NEVER));
    };
    drop(instance);
    let mut room = earlier;
    for _ in 0..STARTS {
        match listens_before_it_sends(server, &socket, room)? {
            Some(earlier) => room = earlier,
            None => return Ok(()),
        }
    }
    let actual = "each start sends another number of messages before READY=1";
    Err(Finding::unsupported("a server that waits to send READY=1", actual))
}

/// The number of starts in which a server may send more messages before READY=1 than in the start before.
const STARTS: usize = 3;

/// Starts the server while its notification socket takes only `room` messages. Fails if the server has READY=1 to send
/// and does not listen yet. If it has another message to send, returns how many come before READY=1.
fn listens_before_it_sends(
    server: &mut Server,
    socket: &NotifySocket,
    room: usize,
) -> check::Result<Option<usize>> {
    server.crash();
    socket.fill_except(room)?;
    let mut instance = start(server, socket)?;
    // On a busy machine a server may need long for its start.
    let (limit, stopwatch) = (server.deadlines().start(), instance.stopwatch(server.deadlines()));
    let listens = stopwatch.wait(limit, |left| {
        until(left, || Ok((server.is_ready(&instance) || instance.ended().is_some()).then_some(())))
    })?;
    // A server that is blocked in sendmsg(2) does not listen in that time. Any other does.
    if listens.is_some() {
        return Ok(None);
    }
    // The message for which there was no room enters the queue behind the others.
    let messages = socket.receive_all(server, &instance)?;
    match messages.iter().position(|message| says_ready(message)) {
        Some(earlier) if earlier > room => return Ok(Some(earlier)),
        Some(_) => {}
        None => return Ok(None),
    }
    let wanted = "a server that listens before it sends READY=1";
    Err(Finding::fail(wanted, "it waits to send that, and nothing listens yet"))
}

fn says_ready(message: &str) -> bool {
    message.lines().any(|line| line == "READY=1")
}

fn start(server: &Server, socket: &NotifySocket) -> check::Result<Instance> {
    let mut options: LaunchOptions = server.options();
    options.environment.push((OsString::from("NOTIFY_SOCKET"), Some(socket.path.clone().into())));
    server.start_at(server.address(), &options).or_broken("the server with NOTIFY_SOCKET")
}

/// A service manager's notification socket, which receives the messages of sd_notify(3).
struct NotifySocket {
    socket: UnixDatagram,
    path: PathBuf,
}

impl NotifySocket {
    fn bind(server: &Server) -> check::Result<NotifySocket> {
        let path = server.scratch().join("notify");
        let socket = UnixDatagram::bind(&path).or_broken("a socket for sd_notify(3)")?;
        socket.set_nonblocking(true).or_broken("a socket for sd_notify(3)")?;
        Ok(NotifySocket { socket, path })
    }

    /// Fills the queue of the notification socket except for `room` messages. The sender of one more message waits:
    /// unix(7).
    fn fill_except(&self, room: usize) -> check::Result {
        let sender = UnixDatagram::unbound().or_broken("a sender")?;
        sender.set_nonblocking(true).or_broken("a sender")?;
        while sender.send_to(FILLING, &self.path).is_ok() {}
        for _ in 0..room {
            match self.socket.recv(&mut [0; FILLING.len()]) {
                Ok(_) => {}
                Err(error) => {
                    return Err(Finding::unsupported("a queue as long as its messages", error.to_string()));
                }
            }
        }
        Ok(())
    }

    /// Reads notifications until one says READY=1, or until the server is ready and sends nothing more.
    fn messages_until_ready(
        &self,
        server: &mut Server,
        instance: &mut Instance,
    ) -> check::Result<Vec<String>> {
        let mut messages = Vec::new();
        let (limit, stopwatch) = (server.deadlines().start(), instance.stopwatch(server.deadlines()));
        stopwatch.wait(limit, |left| {
            until(left, || {
                messages.extend(self.received()?);
                let over = server.is_ready(instance) || instance.ended().is_some();
                Ok((over || messages.iter().any(|message| says_ready(message))).then_some(()))
            })
        })?;
        while !messages.iter().any(|message: &String| says_ready(message)) {
            let mut interest = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            let deadlines = server.deadlines();
            let limit = if messages.is_empty() { deadlines.quiet() } else { deadlines.reply() };
            let elapsed = wait(&mut interest, limit)? == WaitOutcome::Elapsed;
            if elapsed {
                instance.await_reaction(deadlines)?;
            }
            let received = self.received()?;
            if elapsed && received.is_empty() {
                break;
            }
            messages.extend(received);
        }
        Ok(messages)
    }

    /// Empties the queue of the notification socket, and returns the messages of the server.
    fn receive_all(&self, server: &Server, instance: &Instance) -> check::Result<Vec<String>> {
        let mut messages = self.received()?;
        loop {
            let mut interest = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            let elapsed = wait(&mut interest, server.deadlines().quiet())? == WaitOutcome::Elapsed;
            if elapsed {
                // On a busy machine its sendmsg(2) may not have gone on yet.
                instance.await_reaction(server.deadlines())?;
            }
            let received = self.received()?;
            if elapsed && received.is_empty() {
                return Ok(messages);
            }
            messages.extend(received);
        }
    }

    /// Returns the notifications of the server that are in the queue now.
    fn received(&self) -> check::Result<Vec<String>> {
        let mut messages = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match self.socket.recv(&mut buffer) {
                Ok(length) if &buffer[..length] == FILLING => {}
                Ok(length) => messages.push(String::from_utf8_lossy(&buffer[..length]).into_owned()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(messages),
                Err(error) => return Err(Finding::broken("a message of sd_notify(3)", error.to_string())),
            }
        }
    }
}

//! Checks that a server closes descriptors that clients send to it.

use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags};

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::deadline::{WaitOutcome, wait};
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "fd/passed-in-message-closed",
    level: Should,
    sentence: "a descriptor that a client sends along with its bytes is closed by the time that client has gone",
    why: "a server that receives descriptors and forgets them lets any client fill its descriptor table, and keeps other programs' pipes open",
    citations: &["unix(7) (SCM_RIGHTS)", "recvmsg(2)", "cmsg(3)"],
    recipe: "send bytes, or a request, with the write end of a pipe attached; read their echo; exchange another message, and leave; close the write end; the read end must reach end of file",
    requires: Capabilities::SOCKET_PATH,
    run,
};

fn run(server: &mut Server) -> check::Result {
    let (reader, writer) = os_pipe::pipe().or_broken("a pipe")?;
    let stays_open = server.spec().capabilities().contains(Capabilities::STAYS_OPEN);
    let mut client = if stays_open { server.connect_and_exchange()? } else { server.connect()? };
    client.complete_opening()?;
    let text = b"take this";
    client.send_with_descriptor(text, writer.as_fd())?;
    client.expect(text)?;
    drop(writer);
    if stays_open {
        client.exchange(b"and now?")?;
    }
    client.finish()?;
    drop(client);
    // No process writes to the pipe, so poll(2) returns only at end of file.
    let mut end = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
    let limit = server.deadlines().no_progress();
    if wait(&mut end, limit)? == WaitOutcome::Ready {
        return Ok(());
    }
    Err(Finding::fail(
        "end of file on a pipe whose write end was sent to the server",
        format!("the server still holds that end {} s after its client has gone", limit.as_secs_f64()),
    ))
}

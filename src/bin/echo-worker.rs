//! Echo on connections that another process accepted, and passes on over a Unix domain socket.
//!
//! The number of a descriptor is valid in one process only, so it is useless to send it to another.
//! But a message over a Unix domain socket can carry descriptors beside its bytes (`SCM_RIGHTS`,
//! `unix(7)`). The kernel adds each to the receiver's table, under the lowest free number. So a
//! front process can accept connections, and worker processes serve them. This worker's standard
//! input is such a socket. The worker exits when the socket is at its end and the last client has
//! left.
//!
//! ```text
//! echospec demo unix
//! ```

use std::io::{self, IoSliceMut};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::thread;

use anyhow::Context;
use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

fn main() -> anyhow::Result<()> {
    thread::scope(|scope| {
        let hint = "cannot receive descriptors; standard input must be a Unix domain socket";
        while let Some(descriptors) = receive().context(hint)? {
            for descriptor in descriptors {
                // If the system refuses a thread, spawn drops the closure, and with it the connection.
                let _ = thread::Builder::new().spawn_scoped(scope, || echo(descriptor));
            }
        }
        Ok(())
    })
}

/// Returns the descriptors that arrive with the next message on standard input, or `None` at the end.
fn receive() -> nix::Result<Option<Vec<OwnedFd>>> {
    let mut byte = [0];
    let mut text = [IoSliceMut::new(&mut byte)];
    let mut room = cmsg_space!([RawFd; 4]);
    let message = recvmsg::<()>(io::stdin().as_raw_fd(), &mut text, Some(&mut room), MsgFlags::empty())?;
    if message.bytes == 0 {
        return Ok(None);
    }
    let mut received = Vec::new();
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = part {
            received.extend(numbers.into_iter().map(owned));
        }
    }
    Ok(Some(received))
}

#[expect(unsafe_code, reason = "the number of a received descriptor becomes its owner")]
fn owned(number: RawFd) -> OwnedFd {
    // SAFETY: the kernel has just opened it for this process, and nothing else owns it.
    unsafe { OwnedFd::from_raw_fd(number) }
}

fn echo(connection: OwnedFd) {
    let connection = TcpStream::from(connection);
    // O_NONBLOCK belongs to the open file description, so the sender may have set it.
    let _ = connection.set_nonblocking(false);
    let _ = connection.set_nodelay(true);
    let _ = io::copy(&mut &connection, &mut &connection);
}

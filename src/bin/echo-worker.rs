//! Echo on connections that another process accepted, and passes on over a Unix domain socket.
//!
//! A descriptor is a number that means something in one process only; sent as a number it would mean
//! nothing. But a message over a Unix domain socket can carry descriptors beside its bytes
//! (`SCM_RIGHTS`, `unix(7)`): the kernel enters what they refer to in the receiver's own table, under the
//! lowest number that is free there. So a front process can accept, and workers serve. This worker's
//! standard input is such a socket. It ends when no more can come and the last client has gone.
//!
//! ```text
//! echospec demo unix
//! ```

use std::fmt::Display;
use std::io::{self, IoSliceMut, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::process::ExitCode;
use std::thread;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

fn main() -> ExitCode {
    thread::scope(|scope| {
        loop {
            match receive() {
                Ok(Some(descriptors)) => {
                    for descriptor in descriptors {
                        // Where the system refuses a thread, the closure is dropped and the connection
                        // with it: that client is turned away, the others stay.
                        let _ = thread::Builder::new().spawn_scoped(scope, || echo(descriptor));
                    }
                }
                Ok(None) => return ExitCode::SUCCESS,
                Err(Errno::EINTR) => {}
                Err(error) => {
                    let hint = "its standard input must be a Unix domain socket";
                    return complain(1, format!("echo-worker: cannot receive descriptors: {error}; {hint}"));
                }
            }
        }
    })
}

/// The descriptors of the next message; `None` at the end.
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
    // SAFETY: the kernel has just opened it for this process, and nobody else knows the number.
    unsafe { OwnedFd::from_raw_fd(number) }
}

fn echo(connection: OwnedFd) {
    let connection = TcpStream::from(connection);
    // O_NONBLOCK is a property of what travels, not of the descriptor: the sender may have set it.
    let _ = connection.set_nonblocking(false);
    let _ = connection.set_nodelay(true);
    let _ = io::copy(&mut &connection, &mut &connection);
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

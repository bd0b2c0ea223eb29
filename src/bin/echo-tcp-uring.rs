//! Echo over TCP by `io_uring(7)`: one thread, many clients, and at most one system call a message.
//!
//! Calls are written into a *submission queue* that the kernel shares with us, and their answers
//! come in a *completion queue*, in whatever order they end; one `io_uring_enter(2)` hands over all
//! that is new, and waits. Calls can be *linked*: the next begins when the one before has succeeded,
//! so that a message costs one pair, "send this, then receive", and one answer. Nothing tells whose
//! answer it is but the number given to the call, and a buffer belongs to the kernel until the answer
//! is there. Servers that let clients share buffers have sent the bytes of one to another. Here each
//! connection has a buffer and at most one pair under way, and its number is free when that has ended.
//!
//! ```text
//! echospec check tcp -- echo-tcp-uring {addr}
//! ```

use std::env;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let (Some(address), None) = (args.next(), args.next()) else {
        return complain(2, "usage: echo-tcp-uring ADDRESS, for instance 127.0.0.1:7007 or [::1]:7007");
    };
    let address = address.to_string_lossy();
    let (listener, local) = match bind(&address) {
        Ok(bound) => bound,
        Err(error) => {
            let hint = "give HOST:PORT of this machine, with port 0 for any free one";
            return complain(1, format!("echo-tcp-uring: cannot listen on {address}: {error}; {hint}"));
        }
    };
    let announce = || {
        // Whoever started us may have closed its end; that is no reason to stop serving.
        let _ = writeln!(io::stdout(), "ready tcp-uring {local}");
    };
    match uring::serve_until_terminated(&listener, announce) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::Unsupported => complain(77, format!("unsupported: {error}")),
        Err(error) => complain(1, format!("echo-tcp-uring: cannot use io_uring: {error}")),
    }
}

fn bind(address: &str) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    let local = listener.local_addr()?;
    Ok((listener, local))
}

#[cfg(target_os = "linux")]
#[path = "uring/linux.rs"]
mod uring;

#[cfg(not(target_os = "linux"))]
mod uring {
    use std::io;
    use std::net::TcpListener;

    pub fn serve_until_terminated(_listener: &TcpListener, _announce: impl FnOnce()) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux has io_uring"))
    }
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

//! Echo over TCP by `io_uring(7)`: one thread, many clients, and less than one system call a message.
//!
//! A program writes calls into a *submission queue* that it shares with the kernel, and the kernel
//! puts the results into a *completion queue*, in the order in which the calls end. One
//! `io_uring_enter(2)` submits all new calls and waits. A *multishot* call needs no repetition: one
//! accepts all clients, and one for each client receives all that it sends. For each result the
//! kernel takes one of the *provided buffers*, which the program gives back when the echo is sent.
//! So a message costs one call, its send, and two results.
//!
//! - *Memory of an idle client*: 104 bytes here, and some 400 for the running call in the kernel. All clients share 128
//!   buffers of 64 KiB. A page of a buffer takes memory once data has been in it.
//! - *Order*: a socket without room takes part of an echo. Another send that has been submitted already could overtake
//!   the rest. So a client has at most one send in each submission.
//! - *A client that does not read* may hold no shared buffer: a few such clients would stop all others. Its unsent echo is
//!   copied, and its receive is cancelled until it has read that.
//! - *Turns*: clients are served in the order in which the kernel received their data.
//!
//! A call with IOSQE_CQE_SKIP_SUCCESS has no result unless it fails. For a send this was measured to be slower than the
//! result. With each such call the kernel writes a flag, probably into a cache line that the clients' processors read.
//!
//! A send without copy (IORING_OP_SEND_ZC) is not used. The kernel copies such data all the same if it goes to a socket
//! of the same host, and a second result tells when the buffer is free.
//!
//! Only a number that the program gives to each call tells which call a result belongs to. Servers that reused numbers
//! or buffers too early have sent the bytes of one client to another. Here a number is free when all its calls have
//! ended, and a buffer when the kernel has copied it.
//!
//! ```text
//! echospec check tcp -- echo-tcp-uring {addr}
//! ```

use std::{env, process};

#[cfg(target_os = "linux")]
mod accepting;
#[cfg(target_os = "linux")]
mod blocked;
#[cfg(target_os = "linux")]
mod buffers;
#[cfg(target_os = "linux")]
mod connection;
#[cfg(target_os = "linux")]
mod receiving;
#[cfg(target_os = "linux")]
mod ring;
#[cfg(target_os = "linux")]
mod server;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [address] = &args[..] else {
        eprintln!("usage: echo-tcp-uring HOST:PORT, for instance 127.0.0.1:7007 or [::1]:7007");
        process::exit(2);
    };
    serve_until_terminated(address)
}

#[cfg(target_os = "linux")]
fn serve_until_terminated(address: &str) -> anyhow::Result<()> {
    use std::io::{self, Write};
    use std::net::TcpListener;

    use anyhow::Context;

    // Before it listens: a client that has connected takes the server's end for a crash.
    let made = ring::Ring::new().and_then(|ring| Ok((ring.buffers()?, ring)));
    let (buffers, ring) = match made {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => unsupported(&error.to_string()),
        made => made?,
    };
    let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    // A second call changes only the length of the queue, which is 128 by default.
    rustix::net::listen(&listener, 4096)?;
    // Clients inherit this option from the listener. Nagle's algorithm would delay a small echo until the client
    // acknowledges the last one.
    let _ = rustix::net::sockopt::set_tcp_nodelay(&listener, true);
    let mut server = server::Server::new(ring, buffers, &listener)?;
    // println! would panic if standard output is closed.
    let _ = writeln!(io::stdout(), "ready tcp-uring {}", listener.local_addr()?);
    server.serve_until_terminated().context("io_uring failed")
}

#[cfg(not(target_os = "linux"))]
fn serve_until_terminated(_address: &str) -> anyhow::Result<()> {
    unsupported("only Linux has io_uring")
}

fn unsupported(reason: &str) -> ! {
    eprintln!("unsupported: {reason}");
    process::exit(77)
}

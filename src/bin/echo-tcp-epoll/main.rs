//! Echo over TCP by readiness: one thread asks the kernel which sockets have work, and serves those.
//!
//! `epoll(7)` on Linux, or `kqueue(2)` on macOS, reports a socket once each time that its state changes
//! (*edge-triggered*), and the server must then read or write until nothing is left. So a request costs one `read(2)`,
//! one `write(2)`, and its share of an `epoll_wait(2)` that returns up to 1024 events.
//!
//! - *Memory of an idle client*: one slot of 24 bytes. All clients share one buffer. Only a client that does not read
//!   its echo has a buffer of its own, of at most 128 KiB, and the server reads no more from it until that is sent:
//!   TCP's window closes, so flow control reaches the client.
//! - *Turns*: clients are served in the order in which their data arrived, each for at most one buffer. A client
//!   with more to read goes to the end of the queue, so that a fast sender does not delay the others.
//! - *One core* serves all clients: if it is full, every client waits.
//!
//! ```text
//! echospec check tcp -- echo-tcp-epoll {addr}
//! ```

use std::io::{self, Write};
use std::{env, process};

use anyhow::Context;
use mio::net::TcpListener;

mod client;
mod listener;
mod server;

use server::Server;

/// Clients that may wait for accept(2). The standard library allows 128, and clients that come all at once then wait
/// for a second or more.
const BACKLOG: i32 = 4096;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [address] = &args[..] else {
        eprintln!("usage: echo-tcp-epoll HOST:PORT, for instance 127.0.0.1:7007 or [::1]:7007");
        process::exit(2);
    };
    let listener = listen(address).with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    let mut server = Server::new(listener)?;
    // println! would panic if standard output is closed.
    let _ = writeln!(io::stdout(), "ready tcp-epoll {address}");
    server.serve().context("cannot wait for events")
}

fn listen(address: &str) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    // A second call changes only the length of the queue.
    rustix::net::listen(&listener, BACKLOG)?;
    // Clients inherit this option from the listener. Nagle's algorithm would delay a small echo until the client
    // acknowledges the last one.
    let _ = rustix::net::sockopt::set_tcp_nodelay(&listener, true);
    listener.set_nonblocking(true)?;
    Ok(TcpListener::from_std(listener))
}

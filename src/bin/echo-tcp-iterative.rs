//! Echo over TCP, one client after another: the simplest server in the textbooks.
//!
//! An *iterative* server serves one connection to its end before it accepts the next. The other
//! clients are connected nevertheless: the kernel completes their handshakes and queues them in
//! the listener's *backlog* (`listen(2)`). They wait there until the current client leaves, which
//! may take for ever. Therefore all other servers here are concurrent.
//!
//! ```text
//! echospec check tcp -- echo-tcp-iterative {addr}
//! ```

use std::io::{self, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, process};

use anyhow::Context;
use nix::sys::socket::{Backlog, listen};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [address] = &args[..] else {
        eprintln!("usage: echo-tcp-iterative HOST:PORT, for instance 127.0.0.1:7007 or [::1]:7007");
        process::exit(2);
    };
    let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    // std chooses a backlog of 128. All clients but one wait in it, so allow more.
    listen(&listener, Backlog::MAXCONN)?;
    // println! would panic if standard output is closed.
    let _ = writeln!(io::stdout(), "ready tcp-iterative {}", listener.local_addr()?);
    loop {
        match listener.accept() {
            Ok((connection, _)) => drop(echo(&connection)),
            // A client that left the backlog before its turn.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            // This server holds one connection only, so no client that leaves could free a descriptor.
            Err(error) => return Err(error).context("cannot accept a client"),
        }
    }
}

/// Sends back every byte of a client until end of file. An error ends this connection only.
fn echo(connection: &TcpStream) -> io::Result<()> {
    // Nagle's algorithm would delay a small echo until the client acknowledges the last one.
    let _ = connection.set_nodelay(true);
    // io::copy alone would read 8 KiB at a time.
    io::copy(&mut BufReader::with_capacity(64 * 1024, connection), &mut &*connection)?;
    Ok(())
}

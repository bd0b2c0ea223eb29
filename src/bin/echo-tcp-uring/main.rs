//! Echo over TCP by `io_uring(7)`: one thread, many clients, and at most one system call a message.
//!
//! A program writes calls into a *submission queue* that it shares with the kernel, and the kernel
//! puts the results into a *completion queue*, in the order in which the calls end. One
//! `io_uring_enter(2)` submits all new calls and waits. Calls can be *linked*: the next begins when
//! the one before has succeeded. So each message costs one pair, "send this, then receive", and one
//! result. Only a number that the program gives to each call tells which call a result belongs to,
//! and a buffer belongs to the kernel until the result is there. Servers that shared buffers between
//! clients have sent the bytes of one client to another. Here each connection has its own buffer and
//! at most one pair of calls, and its number is free again when these have ended.
//!
//! ```text
//! echospec check tcp -- echo-tcp-uring {addr}
//! ```

use std::net::TcpListener;
use std::{env, process};

use anyhow::Context;

#[cfg(target_os = "linux")]
mod connection;
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
    let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    serve_until_terminated(&listener)
}

#[cfg(target_os = "linux")]
fn serve_until_terminated(listener: &TcpListener) -> anyhow::Result<()> {
    use std::io::{self, Write};

    let mut server = match server::Server::new(listener) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => unsupported(&error.to_string()),
        made => made?,
    };
    // println! would panic if standard output is closed.
    let _ = writeln!(io::stdout(), "ready tcp-uring {}", listener.local_addr()?);
    server.serve_until_terminated().context("io_uring failed")
}

#[cfg(not(target_os = "linux"))]
fn serve_until_terminated(_listener: &TcpListener) -> anyhow::Result<()> {
    unsupported("only Linux has io_uring")
}

fn unsupported(reason: &str) -> ! {
    eprintln!("unsupported: {reason}");
    process::exit(77)
}

//! Echo over TCP, one thread per client.
//!
//! The server sends back every byte in the order in which it came (RFC 862). Each client has a
//! thread that blocks in `read(2)` and `write(2)` for this client alone, so a client that sends
//! nothing, or reads nothing, does not delay the others. If a client does not read, the send
//! buffer fills up, the thread blocks, and TCP's window closes: flow control needs no code. End of
//! file (the client's FIN) means only that the client sends no more. The client still receives
//! the echo of everything it sent (half-close, RFC 9293 §3.6).
//!
//! ```text
//! echospec check tcp -- echo-tcp {addr}
//! ```

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use std::{env, process, thread};

use anyhow::Context;
use nix::sys::socket::{Backlog, listen};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [address] = &args[..] else {
        eprintln!("usage: echo-tcp HOST:PORT, for instance 127.0.0.1:7007 or [::1]:7007");
        process::exit(2);
    };
    let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    // std chooses a backlog of 128. A client that finds it full waits for a second or more, so allow more.
    listen(&listener, Backlog::MAXCONN)?;
    // println! would panic if standard output is closed.
    let _ = writeln!(io::stdout(), "ready tcp {}", listener.local_addr()?);
    loop {
        let Ok((connection, _)) = listener.accept() else {
            // Without a free descriptor (EMFILE) accept(2) fails again at once: wait for a client to leave.
            thread::park_timeout(Duration::from_millis(100));
            continue;
        };
        let acceptor = thread::current();
        // If the system refuses a thread, spawn drops the closure, and with it the connection.
        let _ = thread::Builder::new().spawn(move || {
            let _ = echo(connection);
            acceptor.unpark();
        });
    }
}

/// Sends back every byte of a client until end of file. An error ends this connection only.
fn echo(mut connection: TcpStream) -> io::Result<()> {
    // Nagle's algorithm would delay a small echo until the client acknowledges the last one.
    let _ = connection.set_nodelay(true);
    // A long message comes in several parts. While the server reads one, the client can read the last one's echo.
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let length = connection.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        connection.write_all(&buffer[..length])?;
    }
}

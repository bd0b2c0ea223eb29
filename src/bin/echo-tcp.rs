//! Echo over TCP, one thread per client.
//!
//! The echo protocol (RFC 862) sends back every byte in the order it came, and the threads make the
//! server *concurrent*: each client has a thread that blocks in `read(2)` and `write(2)` for it
//! alone, so a client that sends nothing, or reads nothing, holds up nobody else. A full send
//! buffer blocks the thread, TCP's window then closes, and the client has to wait: flow control
//! costs no line of code. End of file (the client's FIN) only means that it will send no more;
//! what it sent before is still owed to it (half-close, RFC 9293 §3.6).
//!
//! ```text
//! echospec check tcp -- echo-tcp {addr}
//! ```

use std::fmt::Display;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let (Some(address), None) = (args.next(), args.next()) else {
        return complain(2, "usage: echo-tcp ADDRESS, for instance 127.0.0.1:7007 or [::1]:7007");
    };
    let address = address.to_string_lossy();
    let (listener, local) = match bind(&address) {
        Ok(bound) => bound,
        Err(error) => {
            let hint = "give HOST:PORT of this machine, with port 0 for any free one";
            return complain(1, format!("echo-tcp: cannot listen on {address}: {error}; {hint}"));
        }
    };
    // Whoever started us may have closed its end; that is no reason to stop serving
    let _ = writeln!(io::stdout(), "ready tcp {local}");
    serve(&listener)
}

fn bind(address: &str) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    let local = listener.local_addr()?;
    Ok((listener, local))
}

fn serve(listener: &TcpListener) -> ! {
    // Holds one message at most, which says: since you last looked, a client has left
    let (leaving, departures) = mpsc::sync_channel(1);
    loop {
        match listener.accept() {
            Ok((connection, _)) => {
                let leaving = leaving.clone();
                // Where the system refuses a thread, the closure is dropped and the connection with
                // it: that client is turned away, the others stay
                let _ = thread::Builder::new().spawn(move || {
                    let _ = echo(&connection);
                    drop(connection);
                    let _ = leaving.try_send(());
                });
            }
            // This one client went away before its turn: accept(2) says to take the next
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            // EMFILE or the like. The waiting client stays in the backlog, so accepting again at
            // once would fail at once, for ever; a departure frees a descriptor of ours, and the
            // time limit is for ENFILE, when other processes hold them all
            Err(_) => drop(departures.recv_timeout(Duration::from_secs(1))),
        }
    }
}

/// Sends back what comes, to the end. An error (a reset, say) ends this one connection.
fn echo(mut connection: &TcpStream) -> io::Result<()> {
    // Nagle's algorithm would hold back a small echo until the one before is acknowledged
    let _ = connection.set_nodelay(true);
    // io::copy would fetch 8 KiB at a time, and call the kernel eight times as often
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match connection.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => connection.write_all(&buffer[..length])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

//! Echo over TCP, one client after another: the simplest server in the textbooks.
//!
//! An *iterative* server gives its whole attention to one connection and only then accepts the
//! next. The others are connected nevertheless: the kernel finishes their handshakes and queues
//! them in the listener's *backlog* (`listen(2)`). They wait there for as long as the client before
//! them pleases, which is why every other server here is concurrent.
//!
//! ```text
//! echospec check tcp -- echo-tcp-iterative {addr}
//! ```

use std::fmt::Display;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

use nix::sys::socket::{Backlog, listen};

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let (Some(address), None) = (args.next(), args.next()) else {
        let usage = "usage: echo-tcp-iterative ADDRESS, for instance 127.0.0.1:7007 or [::1]:7007";
        return complain(2, usage);
    };
    let address = address.to_string_lossy();
    let (listener, local) = match bind(&address) {
        Ok(bound) => bound,
        Err(error) => {
            let hint = "give HOST:PORT of this machine, with port 0 for any free one";
            let line = format!("echo-tcp-iterative: cannot listen on {address}: {error}; {hint}");
            return complain(1, line);
        }
    };
    // Whoever started us may have closed its end; that is no reason to stop serving
    let _ = writeln!(io::stdout(), "ready tcp-iterative {local}");
    serve(&listener)
}

fn bind(address: &str) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    // std listens with a backlog of 128; here everyone but one client waits, so let more of them
    listen(&listener, Backlog::MAXCONN)?;
    let local = listener.local_addr()?;
    Ok((listener, local))
}

fn serve(listener: &TcpListener) -> ! {
    loop {
        match listener.accept() {
            Ok((connection, _)) => {
                // Nagle's algorithm would hold back a small echo until the last is acknowledged
                let _ = connection.set_nodelay(true);
                // An error (a reset, say) is the end of this client, not of the server
                let _ = io::copy(&mut &connection, &mut &connection);
            }
            // This one client went away before its turn: accept(2) says to take the next
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            // The system is out of descriptors or memory. No event of ours will tell when that is
            // over, and to ask again at once would only burn the processor
            Err(_) => thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

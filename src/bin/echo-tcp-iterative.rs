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

use std::env;
use std::fmt::Display;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;

use nix::errno::Errno;
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
    // Whoever started us may have closed its end; that is no reason to stop serving.
    let _ = writeln!(io::stdout(), "ready tcp-iterative {local}");
    let shortage = serve(&listener);
    complain(1, format!("echo-tcp-iterative: cannot accept clients any more: {shortage}"))
}

fn bind(address: &str) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    // std listens with a backlog of 128; here everyone but one client waits, so let more of them.
    listen(&listener, Backlog::MAXCONN)?;
    let local = listener.local_addr()?;
    Ok((listener, local))
}

/// Serves until the system cannot give us a connection. This program holds no more than one, so no
/// client of ours could end the shortage by leaving, and there is nothing to wait for.
fn serve(listener: &TcpListener) -> io::Error {
    loop {
        match listener.accept() {
            Ok((connection, _)) => {
                // An error (a reset, say) is the end of this client, not of the server.
                let _ = echo(&connection);
            }
            Err(error) if is_shortage(&error) => return error,
            Err(_) => {}
        }
    }
}

/// Sends back what comes, to the end.
fn echo(mut connection: &TcpStream) -> io::Result<()> {
    // Nagle's algorithm would hold back a small echo until the last is acknowledged.
    let _ = connection.set_nodelay(true);
    // io::copy would fetch 8 KiB at a time, and call the kernel eight times as often.
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

/// Whether the system lacks descriptors or memory. Anything else that accept(2) may report concerns
/// one client alone: it went away before its turn, say.
fn is_shortage(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM))
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

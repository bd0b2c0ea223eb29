//! A client for TCP servers: sends its standard input, and prints what comes back.
//!
//! `socket(2)` makes a descriptor that leads nowhere, and `connect(2)` joins it to a server. A client
//! seldom calls `bind(2)`: `connect` picks a free port by itself. With SOURCE it does bind, for two clients
//! may well share a source port, as long as their addresses differ or those they speak to do. The two
//! directions are independent: one thread sends, and at the end of its input shuts down that direction
//! alone (half-close, `shutdown(2)`); the other receives until the server closes.
//!
//! ```text
//! echospec demo socket
//! ```

use std::fmt::Display;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, thread};

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrLike, bind, connect, socket,
};

fn main() -> ExitCode {
    let args: Vec<_> = env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let addresses: Vec<SocketAddr> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
    if addresses.len() != args.len() || !(1..=2).contains(&addresses.len()) {
        return complain(
            2,
            "usage: echo-tcp-client ADDRESS [SOURCE], each like 127.0.0.1:7007 or [::1]:7007",
        );
    }
    let (server, source) = (addresses[0], addresses.get(1));
    match reach(server, source).and_then(converse) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(1, format!("echo-tcp-client: {server}: {error}")),
    }
}

fn reach(server: SocketAddr, source: Option<&SocketAddr>) -> io::Result<TcpStream> {
    let family = if server.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let socket = socket(family, SockType::Stream, SockFlag::empty(), None)?;
    if let Some(&source) = source {
        bind(socket.as_raw_fd(), &*name(source))?;
    }
    connect(socket.as_raw_fd(), &*name(server))?;
    Ok(TcpStream::from(socket))
}

fn name(address: SocketAddr) -> Box<dyn SockaddrLike> {
    match address {
        SocketAddr::V4(v4) => Box::new(SockaddrIn::from(v4)),
        SocketAddr::V6(v6) => Box::new(SockaddrIn6::from(v6)),
    }
}

/// Ends when the server does; what has not been sent by then nobody will read.
fn converse(connection: TcpStream) -> io::Result<()> {
    let connection = Arc::new(connection);
    let input_ended = Arc::new(AtomicBool::new(false));
    let (outgoing, ended) = (connection.clone(), input_ended.clone());
    let sender = thread::Builder::new().spawn(move || {
        // A server that takes no more says so to the thread that receives, too.
        let _ = copy(&mut io::stdin().lock(), &mut &*outgoing);
        ended.store(true, Ordering::SeqCst);
        let _ = outgoing.shutdown(Shutdown::Write);
    })?;
    let received = copy(&mut &*connection, &mut io::stdout().lock());
    // One that still waits for input would wait on.
    if input_ended.load(Ordering::SeqCst) {
        let _ = sender.join();
    }
    received
}

/// `io::copy` would splice(2) on Linux. Here it is read(2) and write(2), as in the textbooks.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => to.write_all(&buffer[..length]).and_then(|()| to.flush())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

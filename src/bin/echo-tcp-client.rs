//! A client for TCP servers: sends its standard input, and prints what comes back.
//!
//! `socket(2)` makes a socket without an address, and `connect(2)` connects it to a server. Most
//! clients do not call `bind(2)`, because `connect(2)` also chooses a free port. With SOURCE this
//! client binds: two clients may share a source port if their addresses or their servers differ.
//! The two directions are independent. One thread sends, and at the end of its input shuts down
//! that direction alone (half-close, `shutdown(2)`). The other thread receives until the server
//! closes the connection.
//!
//! ```text
//! echospec demo socket
//! ```

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, process, thread};

use anyhow::Context;
use socket2::{Domain, Socket, Type};

/// Whether the sending thread of the client has reached the end of its input.
static INPUT_ENDED: AtomicBool = AtomicBool::new(false);

fn main() -> anyhow::Result<()> {
    let args: Result<Vec<SocketAddr>, _> = env::args().skip(1).map(|arg| arg.parse()).collect();
    let (server, source) = match args.as_deref() {
        Ok([server]) => (*server, None),
        Ok([server, source]) => (*server, Some(*source)),
        _ => {
            eprintln!("usage: echo-tcp-client ADDRESS [SOURCE], each like 127.0.0.1:7007 or [::1]:7007");
            process::exit(2);
        }
    };
    let connection = connect(server, source).with_context(|| format!("cannot connect to {server}"))?;
    let connection = Arc::new(connection);
    let sending = connection.clone();
    let sender = thread::Builder::new().spawn(move || {
        // If the server stops reading, the receiving thread learns of it too.
        let _ = copy(&mut io::stdin().lock(), &mut &*sending);
        INPUT_ENDED.store(true, Ordering::SeqCst);
        sending.shutdown(Shutdown::Write)
    })?;
    let received = copy(&mut &*connection, &mut io::stdout().lock());
    // If the server closed first, the sender may still wait for input: end without it.
    if INPUT_ENDED.load(Ordering::SeqCst) {
        let _ = sender.join();
    }
    received.with_context(|| format!("cannot receive from {server}"))
}

fn connect(server: SocketAddr, source: Option<SocketAddr>) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, None)?;
    if let Some(source) = source {
        socket.bind(&source.into())?;
    }
    socket.connect(&server.into())?;
    Ok(socket.into())
}

/// Copies all bytes by read(2) and write(2). On Linux `io::copy` might call splice(2).
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..length])?;
        to.flush()?;
    }
}

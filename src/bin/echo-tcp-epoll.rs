//! Echo over TCP by readiness: one thread asks the kernel which sockets have work, and serves those.
//!
//! `epoll(7)` on Linux, or `kqueue(2)` on macOS, reports a socket once each time that its state changes
//! (*edge-triggered*), and the server must then read or write until nothing is left. So a request costs one `read(2)`,
//! one `write(2)`, and its share of an `epoll_wait(2)` that returns up to 1024 events.
//!
//! - *Memory of an idle client*: one slot of 24 bytes. All clients share one buffer. Only a client that does not read
//!   its echo has a buffer of its own, of at most 128 KiB, and the server reads no more from it until that is sent:
//!   TCP's window closes, so flow control reaches the client.
//! - *Who is served first*: the clients in the order in which their data arrived, each for at most one buffer. A client
//!   with more to read goes to the end of the queue, so that a fast sender does not delay the others.
//! - *One core* serves all clients: if it is full, every client waits.
//!
//! ```text
//! echospec check tcp -- echo-tcp-epoll {addr}
//! ```

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;
use std::{env, mem, process};

use anyhow::Context;
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

/// The token of the listener. The token of a client is the number of its slot.
const LISTENER: Token = Token(usize::MAX);

/// Clients that may wait for accept(2). The standard library allows 128, and clients that come all at once then wait
/// for a second or more.
const BACKLOG: i32 = 4096;

/// The time until a server without free descriptors tries again to accept a client.
const PAUSE: Duration = Duration::from_millis(100);

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

struct Server {
    poll: Poll,
    listener: TcpListener,
    /// Whether clients wait in the listener's queue for a free descriptor.
    is_full: bool,
    clients: Vec<Option<Client>>,
    free: Vec<usize>,
    /// Clients that have had their turn, and may have more to read. The kernel does not report them again.
    unfinished: VecDeque<Token>,
    buffer: Vec<u8>,
}

impl Server {
    fn new(mut listener: TcpListener) -> io::Result<Server> {
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let buffer = vec![0; 128 * 1024];
        let (clients, free, unfinished) = (Vec::new(), Vec::new(), VecDeque::new());
        Ok(Server { poll, listener, is_full: false, clients, free, unfinished, buffer })
    }

    fn serve(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            match self.poll.poll(&mut events, self.timeout()) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            let waiting = mem::take(&mut self.unfinished);
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(),
                    client => self.serve_client(client, may_have_more(event)),
                }
            }
            for client in waiting {
                self.serve_client(client, true);
            }
            if self.is_full {
                self.accept();
            }
        }
    }

    /// Returns how long to wait for events.
    fn timeout(&self) -> Option<Duration> {
        match (self.unfinished.is_empty(), self.is_full) {
            (false, _) => Some(Duration::ZERO),
            (true, true) => Some(PAUSE),
            (true, false) => None,
        }
    }

    /// Accepts all clients that wait.
    fn accept(&mut self) {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => self.add(stream),
                // One client that left the queue before its turn.
                Err(error)
                    if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                Err(error) => {
                    // Any other error is a lack of descriptors or memory (EMFILE).
                    self.is_full = error.kind() != ErrorKind::WouldBlock;
                    return;
                }
            }
        }
    }

    fn add(&mut self, mut stream: TcpStream) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.clients.push(None);
            self.clients.len() - 1
        });
        // Both interests from the start: a client that stops reading then costs no further call.
        let interests = Interest::READABLE | Interest::WRITABLE;
        #[cfg(target_os = "linux")]
        let interests = interests | Interest::PRIORITY;
        match self.poll.registry().register(&mut stream, Token(slot), interests) {
            Ok(()) => self.clients[slot] = Some(Client { stream, unsent: Vec::new() }),
            Err(_) => self.free.push(slot),
        }
    }

    fn serve_client(&mut self, Token(slot): Token, may_have_more: bool) {
        // An event of a client that has been closed meanwhile may reach a new one in the same slot. It does no harm.
        let Some(client) = &mut self.clients[slot] else { return };
        match client.echo(&mut self.buffer) {
            Ok(Turn::Read(length)) if may_have_more || length == self.buffer.len() => {
                self.unfinished.push_back(Token(slot));
            }
            Ok(Turn::Resumed) => self.unfinished.push_back(Token(slot)),
            Ok(Turn::Read(_) | Turn::Blocked) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Ok(Turn::Ended) | Err(_) => {
                self.clients[slot] = None;
                self.free.push(slot);
            }
        }
    }
}

/// Whether a read that does not fill the buffer may leave something behind: an end of file, or bytes after an urgent
/// one. On other systems than Linux the server reads until the kernel says that nothing is left.
fn may_have_more(event: &Event) -> bool {
    cfg!(not(target_os = "linux")) || event.is_read_closed() || event.is_priority()
}

/// How a client's turn has ended.
enum Turn {
    /// So many bytes were read and sent back.
    Read(usize),
    /// The client does not read.
    Blocked,
    /// The client has read what it owed.
    Resumed,
    Ended,
}

struct Client {
    stream: TcpStream,
    /// The echo that the client has not read yet. While there is some, nothing more is read from the client.
    unsent: Vec<u8>,
}

impl Client {
    /// Gives a client a turn: at most one read, and one write.
    fn echo(&mut self, buffer: &mut [u8]) -> io::Result<Turn> {
        if !self.unsent.is_empty() {
            return self.send_rest();
        }
        let length = self.stream.read(buffer)?;
        if length == 0 {
            return Ok(Turn::Ended);
        }
        let sent = match self.stream.write(&buffer[..length]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            sent => sent?,
        };
        if sent < length {
            self.unsent = buffer[sent..length].to_vec();
            return Ok(Turn::Blocked);
        }
        Ok(Turn::Read(length))
    }

    fn send_rest(&mut self) -> io::Result<Turn> {
        let sent = self.stream.write(&self.unsent)?;
        self.unsent.drain(..sent);
        if !self.unsent.is_empty() {
            return Ok(Turn::Blocked);
        }
        self.unsent = Vec::new();
        Ok(Turn::Resumed)
    }
}

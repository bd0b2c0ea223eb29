//! The loop: waits for events, and gives each client with work its turn.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::mem;
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Interest, Poll, Token};

use crate::client::{Client, Turn};
use crate::listener::Listener;

/// The token of the listener. The token of a client is the number of its slot.
const LISTENER: Token = Token(usize::MAX);

/// The time until a server without free descriptors tries again to accept a client.
const PAUSE: Duration = Duration::from_millis(100);

pub struct Server<L: Listener> {
    poll: Poll,
    listener: L,
    /// Whether clients wait in the listener's queue for a free descriptor.
    is_full: bool,
    clients: Vec<Option<Client<L::Stream>>>,
    free: Vec<usize>,
    /// Clients that have had their turn, and may have more to read. The kernel does not report them again.
    unfinished: VecDeque<Token>,
    buffer: Vec<u8>,
}

impl<L: Listener> Server<L> {
    pub fn new(mut listener: L) -> io::Result<Server<L>> {
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let buffer = vec![0; 128 * 1024];
        let (clients, free, unfinished) = (Vec::new(), Vec::new(), VecDeque::new());
        Ok(Server { poll, listener, is_full: false, clients, free, unfinished, buffer })
    }

    pub fn serve(&mut self) -> io::Result<()> {
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
                    client => self.serve_client(client, L::READS_STOP_EARLY || may_have_more(event)),
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
            match self.listener.accept_stream() {
                Ok(stream) => self.add(stream),
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

    fn add(&mut self, mut stream: L::Stream) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.clients.push(None);
            self.clients.len() - 1
        });
        // Both interests from the start: a client that stops reading then costs no further call.
        let interests = Interest::READABLE | Interest::WRITABLE;
        #[cfg(target_os = "linux")]
        let interests = interests | Interest::PRIORITY;
        match self.poll.registry().register(&mut stream, Token(slot), interests) {
            Ok(()) => self.clients[slot] = Some(Client::new(stream)),
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
/// one.
fn may_have_more(event: &Event) -> bool {
    event.is_read_closed() || event.is_priority()
}

//! One ring for the listener, all connections and the signal that ends it.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr;

use io_uring::opcode;
use io_uring::types::{Fd, Timespec};
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{Shutdown, shutdown};

use connection::Connection;
use ring::Ring;

mod connection;
mod ring;

/// The numbers of calls that belong to no connection.
const ACCEPT: u64 = u64::MAX;
const PAUSE: u64 = u64::MAX - 1;
const TERMINATION: u64 = u64::MAX - 2;
/// A receive has the number of its connection, and a send has this added.
const SEND: u64 = 1 << 32;

static SECOND: Timespec = Timespec::new().sec(1);

struct Server {
    ring: Ring,
    listener: RawFd,
    accepting: bool,
    /// By the number of their calls.
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
}

pub fn serve_until_terminated(listener: &TcpListener, announce: impl FnOnce()) -> io::Result<()> {
    let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    signals.thread_block()?;
    let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)?;
    let (connections, free) = (Vec::new(), Vec::new());
    let (ring, listener) = (Ring::new()?, listener.as_raw_fd());
    let mut server = Server { ring, listener, accepting: false, connections, free };
    announce();
    let termination = opcode::PollAdd::new(Fd(signals.as_raw_fd()), libc::POLLIN as u32).build();
    server.ring.push(&[termination.user_data(TERMINATION)])?;
    server.accept()?;
    let ended = server.serve();
    server.finish()?;
    ended
}

impl Server {
    /// Until SIGTERM or SIGINT.
    fn serve(&mut self) -> io::Result<()> {
        loop {
            self.ring.enter()?;
            // One at a time: to take an answer makes calls, in the other queue of the same ring.
            while let Some((number, result)) = self.ring.next_answer() {
                if number == TERMINATION {
                    return Ok(());
                }
                self.take(number, result)?;
            }
        }
    }

    /// Calls under way outlive their process for a while, and hold their sockets: who started the next server at once
    /// would find the address in use. So they are made to end, and waited for.
    fn finish(&mut self) -> io::Result<()> {
        let _ = shutdown(self.listener, Shutdown::Both);
        let mut under_way = usize::from(self.accepting);
        for connection in self.connections.iter().flatten() {
            connection.end();
            under_way += 1;
        }
        while under_way > 0 {
            match self.ring.next_answer() {
                Some((PAUSE | TERMINATION, _)) => {}
                Some(_) => under_way -= 1,
                None => self.ring.enter()?,
            }
        }
        Ok(())
    }

    fn take(&mut self, number: u64, result: nix::Result<i32>) -> io::Result<()> {
        match (number, result) {
            (ACCEPT, result) => self.accepted(result),
            (PAUSE, _) => self.accept(),
            (number, Ok(length)) if number < SEND && length > 0 => self.echo(number as usize, length as u32),
            // The end, or an error, of this one connection. A failed send (a reset, say) answers for the receive that
            // is linked to it, too.
            (number, _) => self.leave((number % SEND) as usize),
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        if self.accepting {
            return Ok(());
        }
        self.accepting = true;
        let call = opcode::Accept::new(Fd(self.listener), ptr::null_mut(), ptr::null_mut());
        self.ring.push(&[call.flags(libc::SOCK_CLOEXEC).build().user_data(ACCEPT)])
    }

    fn accepted(&mut self, result: nix::Result<i32>) -> io::Result<()> {
        self.accepting = false;
        match result {
            Ok(socket) => {
                self.welcome(socket)?;
                self.accept()
            }
            // This one client went away before its turn: accept(2) says to take the next.
            Err(Errno::ECONNABORTED | Errno::EINTR) => self.accept(),
            // EMFILE or the like, and it would be the same at once. A client of ours that leaves
            // has us try again; the pause is for ENFILE, when others hold the descriptors.
            Err(_) => self.ring.push(&[opcode::Timeout::new(&raw const SECOND).build().user_data(PAUSE)]),
        }
    }

    fn welcome(&mut self, socket: RawFd) -> io::Result<()> {
        let mut connection = Connection::new(socket);
        let number = self.free.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        let receive = connection.receive().user_data(number as u64);
        self.connections[number] = Some(connection);
        self.ring.push(&[receive])
    }

    /// Sends back the `length` bytes that have been received, and receives the next.
    fn echo(&mut self, number: usize, length: u32) -> io::Result<()> {
        let Some(connection) = &mut self.connections[number] else {
            return Ok(());
        };
        let (send, receive) = (connection.send(length), connection.receive());
        self.ring.push(&[send.user_data(number as u64 + SEND), receive.user_data(number as u64)])
    }

    fn leave(&mut self, number: usize) -> io::Result<()> {
        self.connections[number] = None;
        self.free.push(number);
        self.accept()
    }
}

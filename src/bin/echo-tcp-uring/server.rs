//! One ring for the listener, all connections and the signals that end the server.

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

use crate::connection::Connection;
use crate::ring::Ring;

/// The number of the io_uring call that accepts clients, the first of three that belong to no connection.
const ACCEPT: u64 = u64::MAX;
const PAUSE: u64 = u64::MAX - 1;
const TERMINATION: u64 = u64::MAX - 2;
/// The distance between the numbers of a connection's two io_uring calls, the receive and the send.
const SEND: u64 = 1 << 32;

static SECOND: Timespec = Timespec::new().sec(1);

pub struct Server {
    ring: Ring,
    listener: RawFd,
    signals: SignalFd,
    accepting: bool,
    /// The connections, indexed by the number of their io_uring calls.
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
}

impl Server {
    pub fn new(listener: &TcpListener) -> io::Result<Server> {
        let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
        signals.thread_block()?;
        let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)?;
        let (connections, free) = (Vec::new(), Vec::new());
        let (ring, listener) = (Ring::new()?, listener.as_raw_fd());
        Ok(Server { ring, listener, signals, accepting: false, connections, free })
    }

    /// Serves clients until SIGTERM or SIGINT.
    pub fn serve_until_terminated(&mut self) -> io::Result<()> {
        let termination = opcode::PollAdd::new(Fd(self.signals.as_raw_fd()), libc::POLLIN as u32).build();
        self.ring.push(&[termination.user_data(TERMINATION)])?;
        self.accept()?;
        let ended = self.serve();
        self.finish()?;
        ended
    }

    fn serve(&mut self) -> io::Result<()> {
        loop {
            self.ring.submit_and_wait()?;
            // One at a time, because handling a result submits calls to the same ring.
            while let Some((number, result)) = self.ring.next_result() {
                if number == TERMINATION {
                    return Ok(());
                }
                self.handle(number, result)?;
            }
        }
    }

    /// Ends all io_uring calls and waits for them. Otherwise they would outlive the process for a while and hold
    /// their sockets, and a new server would find the address in use.
    fn finish(&mut self) -> io::Result<()> {
        let _ = shutdown(self.listener, Shutdown::Both);
        let mut under_way = usize::from(self.accepting);
        for connection in self.connections.iter().flatten() {
            connection.end();
            under_way += 1;
        }
        while under_way > 0 {
            match self.ring.next_result() {
                Some((PAUSE | TERMINATION, _)) => {}
                Some(_) => under_way -= 1,
                None => self.ring.submit_and_wait()?,
            }
        }
        Ok(())
    }

    fn handle(&mut self, number: u64, result: nix::Result<i32>) -> io::Result<()> {
        match (number, result) {
            (ACCEPT, result) => self.accepted(result),
            (PAUSE, _) => self.accept(),
            (number, Ok(length)) if number < SEND && length > 0 => self.echo(number as usize, length as u32),
            // This connection is at its end, or has failed. If a send fails, the receive that is linked
            // to it does not begin, and has no result.
            (number, _) => self.close((number % SEND) as usize),
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
                self.open(socket)?;
                self.accept()
            }
            // A client that left the backlog before its turn.
            Err(Errno::ECONNABORTED | Errno::EINTR) => self.accept(),
            // Without a free descriptor (EMFILE) accept fails again at once: wait for a client to leave,
            // or for a second, because other processes may hold the descriptors (ENFILE).
            Err(_) => self.ring.push(&[opcode::Timeout::new(&raw const SECOND).build().user_data(PAUSE)]),
        }
    }

    fn open(&mut self, socket: RawFd) -> io::Result<()> {
        let mut connection = Connection::new(socket);
        let number = self.free.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        let receive = connection.receive().user_data(number as u64);
        self.connections[number] = Some(connection);
        self.ring.push(&[receive])
    }

    /// Sends back to a client the last `length` bytes received, then receives more.
    fn echo(&mut self, number: usize, length: u32) -> io::Result<()> {
        let Some(connection) = &mut self.connections[number] else {
            return Ok(());
        };
        let (send, receive) = (connection.send(length), connection.receive());
        self.ring.push(&[send.user_data(number as u64 + SEND), receive.user_data(number as u64)])
    }

    fn close(&mut self, number: usize) -> io::Result<()> {
        self.connections[number] = None;
        self.free.push(number);
        self.accept()
    }
}

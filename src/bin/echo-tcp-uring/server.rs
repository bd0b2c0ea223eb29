//! One ring for the listener, all connections and the signals that end the server.

use std::net::TcpListener;
use std::os::fd::{AsRawFd, RawFd};
use std::{io, mem};

use io_uring::opcode;
use io_uring::types::{Fd, Timespec};
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{Shutdown, shutdown};

use crate::buffers::Buffers;
use crate::connection::Connection;
use crate::ring::{Completion, Ring};

/// The number of the call that accepts clients, the first of three that belong to no connection.
const ACCEPT: u64 = u64::MAX;
const PAUSE: u64 = u64::MAX - 1;
const TERMINATION: u64 = u64::MAX - 2;
/// The numbers of a connection's calls: its own number for the call that receives, and this with an addend for others.
const SEND: u64 = 1 << 32;
const SEND_KEPT: u64 = 2 << 32;
const CANCEL: u64 = 3 << 32;

static SECOND: Timespec = Timespec::new().sec(1);

pub struct Server {
    ring: Ring,
    buffers: Buffers,
    listener: RawFd,
    signals: SignalFd,
    is_accepting: bool,
    is_terminated: bool,
    /// The connections, indexed by their numbers.
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    round: u64,
    /// Results of calls that receive, in order. Those that come too early are kept for the next round.
    received: Vec<Completion>,
    /// The buffers whose sends have been submitted.
    lent: Vec<u16>,
}

impl Server {
    pub fn new(ring: Ring, buffers: Buffers, listener: &TcpListener) -> io::Result<Server> {
        let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
        signals.thread_block()?;
        let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)?;
        Ok(Server {
            ring,
            buffers,
            listener: listener.as_raw_fd(),
            signals,
            is_accepting: false,
            is_terminated: false,
            connections: Vec::new(),
            free: Vec::new(),
            round: 0,
            received: Vec::new(),
            lent: Vec::new(),
        })
    }

    /// Serves clients until SIGTERM or SIGINT.
    pub fn serve_until_terminated(&mut self) -> io::Result<()> {
        let termination = opcode::PollAdd::new(Fd(self.signals.as_raw_fd()), libc::POLLIN as u32).build();
        self.ring.push(&[termination.user_data(TERMINATION)])?;
        self.accept()?;
        while !self.is_terminated {
            self.serve_round()?;
        }
        // Calls that run would outlive the process for a while and hold their sockets, and a new server would find the
        // address in use. So the server ends all of them, and waits.
        let _ = shutdown(self.listener, Shutdown::Both);
        for connection in self.connections.iter_mut().flatten() {
            connection.end();
        }
        while self.is_accepting || self.connections.iter().any(Option::is_some) {
            self.serve_round()?;
        }
        Ok(())
    }

    /// Submits all calls, waits for results, and handles them.
    fn serve_round(&mut self) -> io::Result<()> {
        self.ring.submit_and_wait(usize::from(self.received.is_empty()))?;
        self.round += 1;
        let mut received = mem::take(&mut self.received);
        while let Some(completion) = self.ring.next_result() {
            if completion.number < SEND {
                received.push(completion);
            } else {
                self.handle(completion)?;
            }
        }
        // All echoes of the last round are sent, or have a result that was handled: their buffers are free.
        self.buffers.give_back(self.lent.drain(..));
        for completion in received {
            self.received(completion)?;
        }
        Ok(())
    }

    fn handle(&mut self, completion: Completion) -> io::Result<()> {
        let Completion { number, result, is_last, .. } = completion;
        let connection = (number % SEND) as usize;
        match number {
            ACCEPT => self.accepted(result, is_last),
            PAUSE => self.accept(),
            TERMINATION => {
                self.is_terminated = true;
                Ok(())
            }
            CANCEL.. => Ok(()),
            SEND_KEPT.. => self.sent_kept(connection, result),
            _ => self.sent_in_part(connection, result),
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        if self.is_accepting || self.is_terminated {
            return Ok(());
        }
        self.is_accepting = true;
        let call = opcode::AcceptMulti::new(Fd(self.listener)).flags(libc::SOCK_CLOEXEC).build();
        self.ring.push(&[call.user_data(ACCEPT)])
    }

    fn accepted(&mut self, result: nix::Result<usize>, is_last: bool) -> io::Result<()> {
        self.is_accepting = !is_last;
        match result {
            Ok(socket) => {
                self.open(socket as RawFd)?;
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
        let number = self.free.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        self.connections[number] = Some(Connection::new(socket));
        self.go_on(number)
    }

    /// Handles data that has arrived, or the end of a call that receives.
    fn received(&mut self, completion: Completion) -> io::Result<()> {
        let number = completion.number as usize;
        let Some(connection) = &mut self.connections[number] else { return Ok(()) };
        if connection.last.0 == self.round {
            // An echo of this client has been submitted in this round. If it is sent in part, the rest comes first.
            self.received.push(completion);
            return Ok(());
        }
        connection.is_receiving &= !completion.is_last;
        match (completion.result, completion.buffer) {
            (Ok(length), Some(buffer)) if length > 0 && !connection.is_ended && !connection.is_blocked() => {
                connection.last = (self.round, buffer, length);
                self.lent.push(buffer);
                let call = connection.send(&self.buffers.get(buffer)[..length]);
                self.ring.push(&[call.user_data(number as u64 + SEND)])?;
            }
            (Ok(length), Some(buffer)) if length > 0 => {
                if connection.is_blocked() {
                    connection.keep(&self.buffers.get(buffer)[..length]);
                }
                self.buffers.give_back([buffer].into_iter());
            }
            // The kernel had no buffer left, or the server has cancelled the call.
            (Err(Errno::ENOBUFS | Errno::ECANCELED), _) => {}
            _ => connection.is_ended = true,
        }
        self.go_on(number)
    }

    /// Handles an echo that the socket had no room for. What is left gets memory of its own, and until it is sent, the
    /// server receives no more from this client.
    fn sent_in_part(&mut self, number: usize, result: nix::Result<usize>) -> io::Result<()> {
        let Some(connection) = &mut self.connections[number] else { return Ok(()) };
        let (_, buffer, length) = connection.last;
        let sent = match result {
            Ok(sent) => sent,
            Err(Errno::EAGAIN) => 0,
            Err(_) => {
                connection.end();
                return self.go_on(number);
            }
        };
        connection.keep(&self.buffers.get(buffer)[sent..length]);
        if connection.is_receiving {
            let cancel = opcode::AsyncCancel::new(number as u64).build().user_data(CANCEL);
            self.ring.push(&[cancel])?;
        }
        self.send_kept(number)
    }

    fn sent_kept(&mut self, number: usize, result: nix::Result<usize>) -> io::Result<()> {
        if let (Some(connection), Err(_)) = (&mut self.connections[number], result) {
            connection.end();
        }
        self.send_kept(number)
    }

    fn send_kept(&mut self, number: usize) -> io::Result<()> {
        let Some(connection) = &mut self.connections[number] else { return Ok(()) };
        match connection.send_kept() {
            Some(call) => self.ring.push(&[call.user_data(number as u64 + SEND_KEPT)]),
            None => self.go_on(number),
        }
    }

    /// Begins to receive from a client, if no call is running for it, or closes its connection at the end.
    fn go_on(&mut self, number: usize) -> io::Result<()> {
        let Some(connection) = &mut self.connections[number] else { return Ok(()) };
        if connection.is_receiving || connection.is_blocked() {
            return Ok(());
        }
        if !connection.is_ended {
            return self.ring.push(&[connection.receive().user_data(number as u64)]);
        }
        self.connections[number] = None;
        self.free.push(number);
        self.accept()
    }
}

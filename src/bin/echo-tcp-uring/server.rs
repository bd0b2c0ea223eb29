//! One ring for the listener, all connections and the signals that end the server: its rounds and its results.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, RawFd};
use std::{io, mem};

use io_uring::opcode;
use io_uring::types::Fd;
use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{Shutdown, shutdown};

use crate::buffers::Buffers;
use crate::connection::Connection;
use crate::ring::{Completion, Ring};

/// The number of the call that accepts clients, the first of three that belong to no connection.
pub const ACCEPT: u64 = u64::MAX;
pub const PAUSE: u64 = u64::MAX - 1;
const TERMINATION: u64 = u64::MAX - 2;
/// The numbers of a connection's calls: its own number for the call that receives, and this with an addend for others.
pub const SEND: u64 = 1 << 32;
pub const SEND_KEPT: u64 = 2 << 32;
pub const CANCEL: u64 = 3 << 32;

/// The most results to wait for. The kernel receives for at least as many clients before it returns: many more than this
/// at once would use up the buffers.
const BATCH: usize = 20;

pub struct Server {
    pub ring: Ring,
    pub buffers: Buffers,
    pub listener: RawFd,
    signals: SignalFd,
    pub is_accepting: bool,
    pub is_terminated: bool,
    /// The connections, indexed by their numbers.
    pub connections: Vec<Option<Connection>>,
    pub free: Vec<usize>,
    pub round: u64,
    /// Results of calls that receive, in order. A result that comes too early is kept for the next round.
    pub received: Vec<Completion>,
    /// The clients that found no free buffer, in order.
    pub starved: VecDeque<usize>,
    /// The buffers whose sends have been submitted.
    pub lent: Vec<u16>,
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
            starved: VecDeque::new(),
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
        // Each echo has its result at once. Without new data, wait for one result more.
        let results = self.lent.len() + usize::from(self.received.is_empty());
        self.ring.submit_and_wait(results.min(BATCH))?;
        self.round += 1;
        let mut received = mem::take(&mut self.received);
        while let Some(completion) = self.ring.next_result() {
            if completion.number < SEND {
                received.push(completion);
            } else {
                self.handle(completion)?;
            }
        }
        // The results of all echoes of the last round were handled: their buffers are free.
        let free = self.lent.len();
        self.buffers.give_back(self.lent.drain(..));
        self.resume_starved(free)?;
        for completion in received {
            self.received(completion)?;
        }
        if self.lent.is_empty() {
            self.resume_starved(usize::MAX)?;
        }
        Ok(())
    }

    /// Receives again from so many clients that found no free buffer.
    fn resume_starved(&mut self, buffers: usize) -> io::Result<()> {
        let count = buffers.min(self.starved.len());
        for number in self.starved.drain(..count).collect::<Vec<_>>() {
            self.go_on(number)?;
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
            _ => self.sent(connection, result),
        }
    }
}

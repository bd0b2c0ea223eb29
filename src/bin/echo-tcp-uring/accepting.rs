//! Accepts clients by one call that has a result for each.

use std::io;
use std::os::fd::RawFd;

use io_uring::opcode;
use io_uring::types::{Fd, Timespec};
use nix::errno::Errno;
use nix::libc;

use crate::connection::Connection;
use crate::server::{ACCEPT, PAUSE, Server};

static SECOND: Timespec = Timespec::new().sec(1);

impl Server {
    pub fn accept(&mut self) -> io::Result<()> {
        if self.is_accepting || self.is_terminated {
            return Ok(());
        }
        self.is_accepting = true;
        let call = opcode::AcceptMulti::new(Fd(self.listener)).flags(libc::SOCK_CLOEXEC).build();
        self.ring.push(&[call.user_data(ACCEPT)])
    }

    pub fn accepted(&mut self, result: nix::Result<usize>, is_last: bool) -> io::Result<()> {
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
}

//! Clients that do not read: the rest of an echo is kept, and nothing more is received.

use std::io;

use io_uring::opcode;
use nix::errno::Errno;

use crate::server::{CANCEL, SEND_KEPT, Server};

impl Server {
    /// Handles the result of an echo. If the socket had no room for all of it, the rest gets memory of its own. Until
    /// that is sent, the server receives no more from this client.
    pub fn sent(&mut self, number: usize, result: nix::Result<usize>) -> io::Result<()> {
        let Some(connection) = &mut self.connections[number] else { return Ok(()) };
        let (_, buffer, length) = connection.last;
        let sent = match result {
            Ok(sent) if sent == length => return Ok(()),
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

    pub fn sent_kept(&mut self, number: usize, result: nix::Result<usize>) -> io::Result<()> {
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
}

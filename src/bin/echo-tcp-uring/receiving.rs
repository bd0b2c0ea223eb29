//! Echoes what clients send: receives into a shared buffer, and sends from it.

use std::io;

use nix::errno::Errno;

use crate::ring::Completion;
use crate::server::{SEND, Server};

impl Server {
    /// Handles data that has arrived, or the end of a call that receives.
    pub fn received(&mut self, completion: Completion) -> io::Result<()> {
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
            // The kernel had no buffer left.
            (Err(Errno::ENOBUFS), _) => {
                self.starved.push_back(number);
                return Ok(());
            }
            // The server has cancelled the call.
            (Err(Errno::ECANCELED), _) => {}
            _ => connection.is_ended = true,
        }
        self.go_on(number)
    }

    /// Begins to receive from a client, if no call is running for it, or closes its connection at the end.
    pub fn go_on(&mut self, number: usize) -> io::Result<()> {
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

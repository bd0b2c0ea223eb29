//! One client: its socket, and the echo that it has not read yet.

use std::io::{self, ErrorKind, Read, Write};

/// How a client's turn has ended.
pub enum Turn {
    /// This number of bytes was read and sent back.
    Read(usize),
    /// The client does not read.
    Blocked,
    /// The client has read what it owed.
    Resumed,
    Ended,
}

pub struct Client<S> {
    stream: S,
    /// The echo that the client has not read yet. While there is some, nothing more is read from the client.
    unsent: Vec<u8>,
}

impl<S: Read + Write> Client<S> {
    pub fn new(stream: S) -> Client<S> {
        Client { stream, unsent: Vec::new() }
    }

    /// Gives a client a turn: at most one read, and one write.
    pub fn echo(&mut self, buffer: &mut [u8]) -> io::Result<Turn> {
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

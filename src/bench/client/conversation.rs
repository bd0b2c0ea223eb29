//! A channel to the server, with its position in the byte stream.

use std::io;

use super::byte_stream::ByteStream;
use crate::transport::Channel;

/// The reason why a measurement by the client has no result.
#[derive(Debug, PartialEq)]
pub(crate) enum MeasureError {
    /// A byte that the client received differs from the one that it sent.
    WrongBytes(String),
    /// The conversation of the client with the server failed.
    Failed(String),
    /// The measured mechanism cannot do what the client was asked to measure.
    Unsupported(String),
}

impl From<io::Error> for MeasureError {
    fn from(error: io::Error) -> MeasureError {
        if error.kind() == io::ErrorKind::Unsupported {
            return MeasureError::Unsupported(error.to_string());
        }
        MeasureError::Failed(format!("the conversation failed: {error}"))
    }
}

/// A channel from the measuring client to the server, and the position that their exchange of bytes has reached.
pub(crate) struct Conversation<'a> {
    pub channel: Box<dyn Channel>,
    pub stream: &'a ByteStream,
    /// The position in the byte stream up to which the client has received all bytes.
    pub position: u64,
    /// True if the client's channel preserves message boundaries.
    pub has_boundaries: bool,
    /// The number of bytes that can be in flight between client and server.
    pub window: usize,
}

impl<'a> Conversation<'a> {
    /// Begins a conversation of client and server at `position` of the byte stream.
    pub fn new(channel: Box<dyn Channel>, stream: &'a ByteStream, position: u64) -> Conversation<'a> {
        let (has_boundaries, window) = (channel.max_message().is_some(), channel.window().max(1));
        Conversation { channel, stream, position, has_boundaries, window }
    }

    /// Fails if a message of `size` bytes is too large for the channel. A message with boundaries is never split.
    pub fn check_size(&self, size: usize) -> Result<(), MeasureError> {
        match self.channel.max_message() {
            Some(largest) if size > largest => Err(MeasureError::Unsupported(format!(
                "a message of {size} bytes is larger than the maximum of {largest} bytes"
            ))),
            _ => Ok(()),
        }
    }

    /// Sends `message` to the server, and receives its echo into `echo`, which has room for one byte more.
    #[inline]
    pub fn exchange(&mut self, message: &[u8], echo: &mut [u8]) -> Result<(), MeasureError> {
        if self.has_boundaries {
            self.channel.send(message)?;
            return check_length(self.channel.receive(echo)?, message.len());
        }
        let echo = &mut echo[..message.len()];
        if message.len() > self.window {
            return self.exchange_in_pieces(message, echo);
        }
        self.channel.send(message)?;
        let mut received = 0;
        while received < echo.len() {
            received += check_not_end(self.channel.receive(&mut echo[received..])?)?;
        }
        Ok(())
    }

    /// Exchanges a message that is larger than the number of bytes that can be in flight: sends and receives in
    /// turns.
    fn exchange_in_pieces(&mut self, message: &[u8], echo: &mut [u8]) -> Result<(), MeasureError> {
        let (mut sent, mut received) = (0, 0);
        while received < echo.len() {
            let room = self.window - (sent - received);
            let piece = room.min(message.len() - sent);
            if piece > 0 {
                self.channel.send(&message[sent..sent + piece])?;
                sent += piece;
            }
            received += check_not_end(self.channel.receive(&mut echo[received..])?)?;
        }
        Ok(())
    }

    /// Compares a received `echo` with the bytes that the client has sent, and advances the position in their stream.
    #[inline]
    pub fn verify(&mut self, echo: &[u8]) -> Result<(), MeasureError> {
        self.stream.verify(self.position, echo).map_err(MeasureError::WrongBytes)?;
        self.position += echo.len() as u64;
        Ok(())
    }
}

/// Fails unless the received message is as long as the one that was sent.
#[inline]
pub(super) fn check_length(received: usize, sent: usize) -> Result<(), MeasureError> {
    if received == sent {
        return Ok(());
    }
    let more = if received > sent { " or more" } else { "" };
    Err(MeasureError::WrongBytes(format!("a message of {sent} bytes came back as one of {received}{more}")))
}

/// Fails if a receive returned no byte, because the server has closed the connection.
#[inline]
pub(super) fn check_not_end(received: usize) -> Result<usize, MeasureError> {
    if received > 0 {
        Ok(received)
    } else {
        Err(MeasureError::Failed("the server closed the conversation".into()))
    }
}

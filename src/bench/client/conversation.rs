//! One channel, and the place that it has reached in the stream of bytes.

use std::io;

use super::byte_stream::Script;
use crate::transport::Channel;

/// Why there is no figure.
#[derive(Debug, PartialEq)]
pub(crate) enum Trouble {
    /// What came back is not what was sent.
    Wrong(String),
    /// The conversation broke off.
    Broken(String),
    /// The mechanism cannot do that.
    Impossible(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        if error.kind() == io::ErrorKind::Unsupported {
            return Trouble::Impossible(error.to_string());
        }
        Trouble::Broken(format!("the conversation broke off: {error}"))
    }
}

/// A channel with all that is said on it.
pub(crate) struct Conversation<'a> {
    pub channel: Box<dyn Channel>,
    pub script: &'a Script,
    /// The place in the stream up to which everything has come back.
    pub position: u64,
    /// Whether messages keep their boundaries.
    pub bounded: bool,
    pub window: usize,
}

impl<'a> Conversation<'a> {
    /// What is said on `channel` begins at `position` of the stream.
    pub fn new(channel: Box<dyn Channel>, script: &'a Script, position: u64) -> Conversation<'a> {
        let (bounded, window) = (channel.max_message().is_some(), channel.window().max(1));
        Conversation { channel, script, position, bounded, window }
    }

    /// Whether a message of `size` bytes can be sent at all: what has boundaries is never split.
    pub fn admits(&self, size: usize) -> Result<(), Trouble> {
        match self.channel.max_message() {
            Some(largest) if size > largest => Err(Trouble::Impossible(format!(
                "a message of {size} bytes is longer than the {largest} that it carries as one"
            ))),
            _ => Ok(()),
        }
    }

    /// Sends `message` and waits until it is back, whole, in `echo`, which has room for one byte more.
    #[inline]
    pub fn exchange(&mut self, message: &[u8], echo: &mut [u8]) -> Result<(), Trouble> {
        if self.bounded {
            self.channel.send(message)?;
            return whole(self.channel.receive(echo)?, message.len());
        }
        let echo = &mut echo[..message.len()];
        if message.len() > self.window {
            return self.interleave(message, echo);
        }
        self.channel.send(message)?;
        let mut got = 0;
        while got < echo.len() {
            got += alive(self.channel.receive(&mut echo[got..])?)?;
        }
        Ok(())
    }

    /// The same, where both directions together do not hold the message.
    fn interleave(&mut self, message: &[u8], echo: &mut [u8]) -> Result<(), Trouble> {
        let (mut sent, mut got) = (0, 0);
        while got < echo.len() {
            let room = self.window - (sent - got);
            let piece = room.min(message.len() - sent);
            if piece > 0 {
                self.channel.send(&message[sent..sent + piece])?;
                sent += piece;
            }
            got += alive(self.channel.receive(&mut echo[got..])?)?;
        }
        Ok(())
    }

    /// Compares `echo` with what was due next, and goes on behind it.
    #[inline]
    pub fn verify(&mut self, echo: &[u8]) -> Result<(), Trouble> {
        self.script.verify(self.position, echo).map_err(Trouble::Wrong)?;
        self.position += echo.len() as u64;
        Ok(())
    }
}

/// A message must come back as one.
#[inline]
pub(super) fn whole(got: usize, sent: usize) -> Result<(), Trouble> {
    if got == sent {
        return Ok(());
    }
    let more = if got > sent { " or more" } else { "" };
    Err(Trouble::Wrong(format!("a message of {sent} bytes came back as one of {got}{more}")))
}

/// The end of a stream is no piece of it.
#[inline]
pub(super) fn alive(got: usize) -> Result<usize, Trouble> {
    if got > 0 { Ok(got) } else { Err(Trouble::Broken("the server ended the conversation".into())) }
}

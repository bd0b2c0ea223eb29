//! A whole run, recorded: its own ports and nothing else.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::claims::Claims;
use super::conversation::Conversation;
use super::conversations::Conversations;
use super::packet::Packet;
use super::pcapng::Pcapng;
use crate::sys::{CapturedPacket, PacketCapture};

/// So many packets are taken before the claims are looked at again.
const BATCH: usize = 1024;

/// Packets under way from the interface to the file.
pub struct Recording {
    tap: PacketCapture,
    claims: Claims,
    file: Pcapng,
    conversations: Conversations,
    room: Box<[u8]>,
    last: Duration,
    kept: u64,
    missed: u64,
}

/// What a command needs to be recorded: a descriptor and a variable for its environment, see [`claims`](super::claims).
pub struct Ticket {
    /// To become the descriptor [`NUMBER`](super::claims::NUMBER).
    pub descriptor: OwnedFd,
    /// The value of [`PIPE`](super::claims::PIPE).
    pub name: String,
}

/// A packet that has been taken from the queue.
struct Taken {
    at: Duration,
    length: usize,
    bytes: Vec<u8>,
    packet: Packet,
}

impl Recording {
    /// Records into `file` from now on, at most `room` bytes of each packet.
    ///
    /// # Errors
    /// Those of the file, and of `pipe(2)`.
    pub fn begin(tap: PacketCapture, file: File, room: u32) -> io::Result<(Recording, Ticket)> {
        let (claims, descriptor, name) = Claims::new()?;
        let recording = Recording {
            tap,
            claims,
            file: Pcapng::begin(file, room)?,
            conversations: Conversations::default(),
            room: vec![0; room as usize].into(),
            last: Duration::ZERO,
            kept: 0,
            missed: 0,
        };
        Ok((recording, Ticket { descriptor, name }))
    }

    /// Waits for a packet, at most `limit`, and records it and what has come with it. Answers whether any came.
    ///
    /// # Errors
    /// Those of the socket and of the file.
    pub fn advance(&mut self, limit: Duration) -> io::Result<bool> {
        let mut batch = Vec::new();
        let mut heard = 0;
        while heard < BATCH {
            let limit = if heard == 0 { limit } else { Duration::ZERO };
            let Some(frame) = self.tap.next_packet(&mut self.room, limit)? else { break };
            heard += 1;
            batch.extend(take(&frame));
        }
        // Each port was told before a packet could pass there, so now all that these need has been told.
        self.claims.hear()?;
        for taken in &batch {
            self.keep(taken)?;
        }
        self.missed += self.tap.take_dropped()?;
        self.file.flush()?;
        Ok(heard > 0)
    }

    fn keep(&mut self, taken: &Taken) -> io::Result<()> {
        let Taken { at, length, ref bytes, packet } = *taken;
        let claims = &self.claims;
        let is_ours =
            self.conversations.add(&packet, |address| claims.cover(packet.protocol(), address.port(), at));
        if is_ours {
            self.file.add(&CapturedPacket { timestamp: at, length, bytes })?;
            self.kept += 1;
            self.last = at;
        }
        Ok(())
    }

    /// Writes down how much was missed.
    ///
    /// # Errors
    /// Those of the file.
    pub fn end(&mut self) -> io::Result<()> {
        self.file.end(self.last, self.missed)
    }

    /// What was recorded.
    #[must_use]
    pub fn conversations(&self) -> &[Conversation] {
        self.conversations.all()
    }

    /// How many packets were recorded.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.kept
    }

    /// How many packets on the interface, whosever, came too fast to be seen.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Whether the command has ever told of a port.
    #[must_use]
    pub fn was_told(&self) -> bool {
        !self.claims.is_empty()
    }
}

fn take(frame: &CapturedPacket<'_>) -> Option<Taken> {
    let packet = Packet::read(frame)?;
    Some(Taken { at: frame.timestamp, length: frame.length, bytes: frame.bytes.to_vec(), packet })
}

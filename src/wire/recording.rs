//! Records the packets of a run of echospec: those on its own ports, and no others.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::claims::ClaimedPorts;
use super::conversation::Conversation;
use super::conversations::Conversations;
use super::packet::Packet;
use super::pcapng::PcapngWriter;
use crate::sys::{CapturedPacket, PacketCapture};

/// The maximum number of packets that are captured before the claims of ports are read again.
const BATCH: usize = 1024;

/// Records the packets of a run of echospec into a file.
pub struct Recording {
    capture: PacketCapture,
    claims: ClaimedPorts,
    file: PcapngWriter,
    conversations: Conversations,
    buffer: Box<[u8]>,
    last: Duration,
    recorded: u64,
    dropped: u64,
}

/// The descriptor and environment variable that a command needs to announce its ports: see [`claims`](super::claims).
pub struct ClaimPipe {
    /// The write end of the pipe on which a command announces its ports. It becomes descriptor
    /// [`CLAIM_DESCRIPTOR`](super::claims::CLAIM_DESCRIPTOR) of the command.
    pub descriptor: OwnedFd,
    /// The inode number of the pipe on which a command announces its ports: the value of the environment variable
    /// [`CLAIM_VARIABLE`](super::claims::CLAIM_VARIABLE).
    pub name: String,
}

/// A captured packet that is recorded if it turns out to belong to the run.
struct Candidate {
    at: Duration,
    length: usize,
    bytes: Vec<u8>,
    packet: Packet,
}

impl Recording {
    /// Begins to record into `file`, at most `snaplen` bytes of each packet.
    ///
    /// # Errors
    /// Those of the file, and of pipe(2).
    pub fn begin(capture: PacketCapture, file: File, snaplen: u32) -> io::Result<(Recording, ClaimPipe)> {
        let (claims, descriptor, name) = ClaimedPorts::new()?;
        let recording = Recording {
            capture,
            claims,
            file: PcapngWriter::new(file, snaplen)?,
            conversations: Conversations::default(),
            buffer: vec![0; snaplen as usize].into(),
            last: Duration::ZERO,
            recorded: 0,
            dropped: 0,
        };
        Ok((recording, ClaimPipe { descriptor, name }))
    }

    /// Waits at most `limit` for a packet, and records all packets that have arrived. Returns whether any had arrived.
    ///
    /// # Errors
    /// Those of the socket and of the file.
    pub fn record_next(&mut self, limit: Duration) -> io::Result<bool> {
        let mut batch = Vec::new();
        let mut captured = 0;
        while captured < BATCH {
            let limit = if captured == 0 { limit } else { Duration::ZERO };
            let Some(frame) = self.capture.next_packet(&mut self.buffer, limit)? else { break };
            captured += 1;
            batch.extend(parse(&frame));
        }
        // A port is announced before any packet can use it, so the claims of these packets are in the pipe by now.
        self.claims.read_pending()?;
        for candidate in &batch {
            self.record(candidate)?;
        }
        self.dropped += self.capture.take_dropped()?;
        self.file.flush()?;
        Ok(captured > 0)
    }

    fn record(&mut self, candidate: &Candidate) -> io::Result<()> {
        let Candidate { at, length, ref bytes, packet } = *candidate;
        let claims = &self.claims;
        let is_ours = self
            .conversations
            .add(&packet, |address| claims.was_claimed_at(packet.protocol(), address.port(), at));
        if is_ours {
            self.file.add(&CapturedPacket { timestamp: at, length, bytes })?;
            self.recorded += 1;
            self.last = at;
        }
        Ok(())
    }

    /// Completes the capture file with the number of dropped packets.
    ///
    /// # Errors
    /// Those of the file.
    pub fn finish(&mut self) -> io::Result<()> {
        self.file.finish(self.last, self.dropped)
    }

    /// Returns the recorded conversations.
    #[must_use]
    pub fn conversations(&self) -> &[Conversation] {
        self.conversations.all()
    }

    /// Returns the number of recorded packets.
    #[must_use]
    pub fn recorded(&self) -> u64 {
        self.recorded
    }

    /// Returns the number of packets on the network interface, ours or not, that the kernel dropped because they came
    /// too fast.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether the command has announced any port.
    #[must_use]
    pub fn has_claims(&self) -> bool {
        !self.claims.is_empty()
    }
}

fn parse(frame: &CapturedPacket<'_>) -> Option<Candidate> {
    let packet = Packet::parse(frame)?;
    Some(Candidate { at: frame.timestamp, length: frame.length, bytes: frame.bytes.to_vec(), packet })
}

//! What the packets between one client and one server amount to.

use std::fmt;
use std::net::SocketAddr;

use super::packet::{Packet, Protocol, Segment};
use crate::text::count;

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Who began.
    Client,
    /// Who was there.
    Server,
}

/// A thing that happened for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The client asked for a connection.
    Syn,
    /// The server agreed.
    SynAck,
    /// The client took note: the handshake is over.
    Ack,
    /// Bytes were sent, for the first time from this side.
    Data(Side),
    /// A side said that it will send nothing more.
    Fin(Side),
    /// A side threw the connection away.
    Rst(Side),
}

/// All that passed between one client and one server, in one connection or in none.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// What carried it.
    pub protocol: Protocol,
    /// The client's address.
    pub client: SocketAddr,
    /// The server's.
    pub server: SocketAddr,
    /// What happened, each thing when it happened first.
    pub events: Vec<Event>,
    /// How many packets carried bytes, from client and server; datagrams of no bytes count.
    pub messages: [u64; 2],
    /// How many bytes they carried, those that were sent again not counted.
    pub bytes: [u64; 2],
    /// How many packets had SYN set; SYN and ACK; FIN; RST.
    pub flags: [u64; 4],
    /// The sequence number that comes next from client and server.
    next: [Option<u32>; 2],
    /// That of the SYN.
    pub(super) beginning: Option<u32>,
}

impl Conversation {
    pub(super) fn new(protocol: Protocol, client: SocketAddr, server: SocketAddr) -> Conversation {
        Conversation {
            protocol,
            client,
            server,
            events: Vec::new(),
            messages: [0; 2],
            bytes: [0; 2],
            flags: [0; 4],
            next: [None; 2],
            beginning: None,
        }
    }

    /// Whether this has happened.
    #[must_use]
    pub fn saw(&self, event: Event) -> bool {
        self.events.contains(&event)
    }

    /// Whether SYN, SYN-ACK and ACK have passed.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        [Event::Syn, Event::SynAck, Event::Ack].into_iter().all(|event| self.saw(event))
    }

    pub(super) fn add(&mut self, packet: &Packet) {
        let side = if packet.from == self.client { Side::Client } else { Side::Server };
        match packet.segment {
            Some(segment) => self.add_segment(side, packet.payload, segment),
            None => {
                self.messages[side as usize] += 1;
                self.bytes[side as usize] += packet.payload as u64;
                self.happens(Event::Data(side));
            }
        }
    }

    fn add_segment(&mut self, side: Side, payload: usize, segment: Segment) {
        let Segment { sequence, syn, ack, fin, rst } = segment;
        for (flag, set) in self.flags.iter_mut().zip([syn && !ack, syn && ack, fin, rst]) {
            *flag += u64::from(set);
        }
        match (side, syn, ack) {
            (Side::Client, true, false) => {
                self.beginning = Some(sequence);
                self.happens(Event::Syn);
            }
            (Side::Server, true, true) => self.happens(Event::SynAck),
            (Side::Client, false, true) if self.saw(Event::SynAck) && !rst => self.happens(Event::Ack),
            _ => {}
        }
        if payload > 0 {
            self.messages[side as usize] += 1;
            self.happens(Event::Data(side));
        }
        self.count(side, sequence.wrapping_add(u32::from(syn)), payload);
        if fin {
            self.happens(Event::Fin(side));
        }
        if rst {
            self.happens(Event::Rst(side));
        }
    }

    /// Of what comes again, and of a window probe one byte back, nothing is new.
    fn count(&mut self, side: Side, sequence: u32, payload: usize) {
        let end = sequence.wrapping_add(u32::try_from(payload).unwrap_or_default());
        let next = self.next[side as usize].get_or_insert(sequence);
        let new = end.wrapping_sub(*next).cast_signed();
        // An empty segment has the number of what is to come, be that the one behind FIN.
        if payload > 0 && new > 0 {
            self.bytes[side as usize] += u64::from(new.unsigned_abs());
            *next = end;
        }
    }

    fn happens(&mut self, event: Event) {
        if !self.saw(event) {
            self.events.push(event);
        }
    }
}

/// What closes a connection.
fn ending(event: Event) -> Option<String> {
    let (flag, side) = match event {
        Event::Fin(side) => ("FIN", side),
        Event::Rst(side) => ("RST", side),
        _ => return None,
    };
    Some(format!("{flag} from the {side}"))
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Side::Client { "client" } else { "server" })
    }
}

impl fmt::Display for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Conversation { client, server, messages, bytes, .. } = self;
        let [there, back] = bytes.map(|bytes| count(usize::try_from(bytes).unwrap_or(usize::MAX), "byte"));
        if self.protocol == Protocol::Udp {
            let [asked, answered] =
                messages.map(|number| count(usize::try_from(number).unwrap_or(usize::MAX), "datagram"));
            return write!(f, "UDP {client} → {server}: {asked} ({there}) there, {answered} ({back}) back");
        }
        let steps = [(Event::Syn, "SYN"), (Event::SynAck, "SYN-ACK"), (Event::Ack, "ACK")];
        let steps: Vec<_> =
            steps.into_iter().filter(|(event, _)| self.saw(*event)).map(|(_, text)| text).collect();
        let endings: Vec<_> = self.events.iter().copied().filter_map(ending).collect();
        let endings = if endings.is_empty() { "still open".into() } else { endings.join(", then ") };
        let steps = if steps.is_empty() { "no handshake seen".into() } else { steps.join(", ") };
        write!(f, "TCP {client} → {server}: {steps}; {there} there, {back} back; {endings}")
    }
}

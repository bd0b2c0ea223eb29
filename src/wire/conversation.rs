//! A summary of the packets between one client and one server.

use std::fmt;
use std::net::SocketAddr;

use super::packet::{Packet, Protocol, Segment};
use crate::text::count_with_noun;

/// One of the two ends of a conversation on the network: client or server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// The client: the end that opened the connection or sent the first datagram.
    Client,
    /// The server: the end that was bound to a known port.
    Server,
}

/// A kind of packet. A conversation lists each kind once, when it is first seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketEvent {
    /// The client requests a TCP connection: SYN.
    Syn,
    /// The server accepts the TCP connection: SYN and ACK.
    SynAck,
    /// The client acknowledges the server's SYN: the TCP handshake is complete.
    Ack,
    /// This end of the conversation sends its first data.
    Data(Endpoint),
    /// This end of the TCP connection will send nothing more: FIN.
    Fin(Endpoint),
    /// This end resets the TCP connection: RST.
    Rst(Endpoint),
}

/// The packets between one client and one server: of one TCP connection, or of two UDP sockets.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// The transport protocol of the conversation: TCP or UDP.
    pub protocol: Protocol,
    /// The client's address.
    pub client: SocketAddr,
    /// The server's address.
    pub server: SocketAddr,
    /// The kinds of packets in the conversation, in the order in which they were first seen.
    pub events: Vec<PacketEvent>,
    /// The number of packets with data, from the client and from the server. Empty datagrams count.
    pub messages: [u64; 2],
    /// The number of data bytes from the client and from the server, without retransmissions.
    pub bytes: [u64; 2],
    /// The numbers of TCP packets with SYN alone, with SYN and ACK, with FIN, and with RST.
    pub flags: [u64; 4],
    /// The next expected TCP sequence number of the client and of the server.
    next: [Option<u32>; 2],
    /// The sequence number of the client's SYN, which identifies the TCP connection.
    pub(super) initial_sequence: Option<u32>,
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
            initial_sequence: None,
        }
    }

    /// Whether a packet of the kind `event` was seen in the conversation.
    #[must_use]
    pub fn has_seen(&self, event: PacketEvent) -> bool {
        self.events.contains(&event)
    }

    /// Whether the packets of a complete TCP handshake were seen: SYN, SYN-ACK and ACK.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        [PacketEvent::Syn, PacketEvent::SynAck, PacketEvent::Ack]
            .into_iter()
            .all(|event| self.has_seen(event))
    }

    pub(super) fn add(&mut self, packet: &Packet) {
        let endpoint = if packet.from == self.client { Endpoint::Client } else { Endpoint::Server };
        match packet.segment {
            Some(segment) => self.add_segment(endpoint, packet.payload, segment),
            None => {
                self.messages[endpoint as usize] += 1;
                self.bytes[endpoint as usize] += packet.payload as u64;
                self.record(PacketEvent::Data(endpoint));
            }
        }
    }

    fn add_segment(&mut self, endpoint: Endpoint, payload: usize, segment: Segment) {
        let Segment { sequence, syn, ack, fin, rst } = segment;
        for (flag, set) in self.flags.iter_mut().zip([syn && !ack, syn && ack, fin, rst]) {
            *flag += u64::from(set);
        }
        match (endpoint, syn, ack) {
            (Endpoint::Client, true, false) => {
                self.initial_sequence = Some(sequence);
                self.record(PacketEvent::Syn);
            }
            (Endpoint::Server, true, true) => self.record(PacketEvent::SynAck),
            (Endpoint::Client, false, true) if self.has_seen(PacketEvent::SynAck) && !rst => {
                self.record(PacketEvent::Ack);
            }
            _ => {}
        }
        if payload > 0 {
            self.messages[endpoint as usize] += 1;
            self.record(PacketEvent::Data(endpoint));
        }
        self.count_bytes(endpoint, sequence.wrapping_add(u32::from(syn)), payload);
        if fin {
            self.record(PacketEvent::Fin(endpoint));
        }
        if rst {
            self.record(PacketEvent::Rst(endpoint));
        }
    }

    /// Counts the new bytes of a TCP segment. A retransmission has no new bytes, and neither has a window probe, which
    /// repeats the last byte.
    fn count_bytes(&mut self, endpoint: Endpoint, sequence: u32, payload: usize) {
        let end = sequence.wrapping_add(u32::try_from(payload).unwrap_or_default());
        let next = self.next[endpoint as usize].get_or_insert(sequence);
        let new = end.wrapping_sub(*next).cast_signed();
        // The sequence number of an empty segment can be the one after FIN, so it must not become `next`.
        if payload > 0 && new > 0 {
            self.bytes[endpoint as usize] += u64::from(new.unsigned_abs());
            *next = end;
        }
    }

    fn record(&mut self, event: PacketEvent) {
        if !self.has_seen(event) {
            self.events.push(event);
        }
    }
}

/// Describes a packet event that ends a TCP connection; `None` for any other event.
fn describe_end(event: PacketEvent) -> Option<String> {
    let (flag, endpoint) = match event {
        PacketEvent::Fin(endpoint) => ("FIN", endpoint),
        PacketEvent::Rst(endpoint) => ("RST", endpoint),
        _ => return None,
    };
    Some(format!("{flag} from the {endpoint}"))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Endpoint::Client { "client" } else { "server" })
    }
}

impl fmt::Display for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Conversation { client, server, messages, bytes, .. } = self;
        let [there, back] =
            bytes.map(|bytes| count_with_noun(usize::try_from(bytes).unwrap_or(usize::MAX), "byte"));
        if self.protocol == Protocol::Udp {
            let [asked, answered] = messages
                .map(|number| count_with_noun(usize::try_from(number).unwrap_or(usize::MAX), "datagram"));
            return write!(f, "UDP {client} → {server}: {asked} ({there}) there, {answered} ({back}) back");
        }
        let steps = [(PacketEvent::Syn, "SYN"), (PacketEvent::SynAck, "SYN-ACK"), (PacketEvent::Ack, "ACK")];
        let steps: Vec<_> =
            steps.into_iter().filter(|(event, _)| self.has_seen(*event)).map(|(_, text)| text).collect();
        let endings: Vec<_> = self.events.iter().copied().filter_map(describe_end).collect();
        let endings = if endings.is_empty() { "still open".into() } else { endings.join(", then ") };
        let steps = if steps.is_empty() { "no handshake seen".into() } else { steps.join(", ") };
        write!(f, "TCP {client} → {server}: {steps}; {there} there, {back} back; {endings}")
    }
}

//! Assigns packets to conversations.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::conversation::Conversation;
use super::packet::{Packet, Protocol};

/// All conversations in a packet capture, in the order in which they began.
#[derive(Debug, Default)]
pub struct Conversations {
    all: Vec<Conversation>,
    open: HashMap<(Protocol, SocketAddr, SocketAddr), usize>,
}

impl Conversations {
    /// Adds `packet` to its conversation. Begins a new conversation only if `is_ours` returns true for the server's
    /// address. Returns whether the packet belongs to a conversation.
    pub fn add(&mut self, packet: &Packet, is_ours: impl Fn(SocketAddr) -> bool) -> bool {
        let Packet { from, to, .. } = *packet;
        let protocol = packet.protocol();
        let known = [(protocol, from, to), (protocol, to, from)]
            .into_iter()
            .find_map(|key| Some((key, *self.open.get(&key)?)));
        if let Some((key, place)) = known {
            if !self.is_over_before(packet, place, &is_ours) {
                self.all[place].add(packet);
                return true;
            }
            self.open.remove(&key);
        }
        let (client, server) = match packet.segment {
            _ if is_ours(to) => (from, to),
            Some(segment) if segment.requests_connection() => return false,
            _ if is_ours(from) => (to, from),
            _ => return false,
        };
        let mut new = Conversation::new(protocol, client, server);
        new.add(packet);
        self.open.insert((protocol, client, server), self.all.len());
        self.all.push(new);
        true
    }

    /// Whether the conversation number `place`, which has the same addresses as `packet`, had ended before `packet`
    /// came. A new connection has a new initial sequence number, and a datagram is not ours after the run has released
    /// the port.
    fn is_over_before(&self, packet: &Packet, place: usize, is_ours: &impl Fn(SocketAddr) -> bool) -> bool {
        match packet.segment {
            Some(segment) => {
                segment.requests_connection() && self.all[place].initial_sequence != Some(segment.sequence)
            }
            None => !is_ours(self.all[place].server),
        }
    }

    /// Returns all conversations of the capture.
    #[must_use]
    pub fn all(&self) -> &[Conversation] {
        &self.all
    }

    /// Returns the latest conversation of the client with the address `client`.
    #[must_use]
    pub fn latest_of(&self, client: SocketAddr) -> Option<&Conversation> {
        self.all.iter().rev().find(|conversation| conversation.client == client)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Endpoint, PacketEvent, Segment};
    use super::*;

    const SYN: Segment = Segment { syn: true, sequence: 99, ack: false, fin: false, rst: false };
    const ACK: Segment = Segment { syn: false, sequence: 100, ack: true, fin: false, rst: false };

    fn packet(to_server: bool, payload: usize, segment: Option<Segment>) -> Packet {
        let [client, server] = ["127.0.0.1:40000", "127.0.0.1:20000"].map(|text| text.parse().unwrap());
        let (from, to) = if to_server { (client, server) } else { (server, client) };
        Packet { from, to, payload, segment }
    }

    fn tcp(to_server: bool, payload: usize, segment: Segment) -> Packet {
        packet(to_server, payload, Some(segment))
    }

    fn collect(packets: &[Packet]) -> Conversations {
        let mut conversations = Conversations::default();
        for packet in packets {
            assert!(conversations.add(packet, |address| address.port() == 20_000), "{packet:?}");
        }
        conversations
    }

    fn handshake() -> Vec<Packet> {
        vec![tcp(true, 0, SYN), tcp(false, 0, Segment { ack: true, ..SYN }), tcp(true, 0, ACK)]
    }

    #[test]
    fn retransmissions_and_fin_are_not_data() {
        let mut packets = handshake();
        let fin = Segment { sequence: 103, fin: true, ..ACK };
        let last = Segment { sequence: 104, ..ACK };
        packets.extend([
            tcp(true, 2, ACK),
            tcp(true, 2, ACK),
            tcp(true, 1, Segment { sequence: 102, ..ACK }),
            tcp(true, 0, fin),
            tcp(false, 0, Segment { fin: true, ..ACK }),
            tcp(true, 0, last),
        ]);
        let all = collect(&packets);
        let it = &all.all()[0];
        assert_eq!((it.bytes, it.messages, it.flags), ([3, 0], [3, 0], [1, 1, 2, 0]));
        let told =
            "SYN, SYN-ACK, ACK; 3 bytes there, 0 bytes back; FIN from the client, then FIN from the server";
        assert!(it.to_string().ends_with(told), "{it}");
    }

    #[test]
    fn only_a_syn_with_a_new_number_begins_a_connection() {
        let mut packets = vec![tcp(true, 0, SYN)];
        packets.extend(handshake());
        assert_eq!(collect(&packets).all().len(), 1);
        packets.push(tcp(true, 0, Segment { sequence: 7, ..SYN }));
        let all = collect(&packets);
        assert_eq!(all.all().len(), 2);
        assert_eq!(all.all()[1].events, [PacketEvent::Syn]);
    }

    #[test]
    fn refused_connection_has_no_handshake() {
        let refusal = Segment { sequence: 0, rst: true, ..ACK };
        let all = collect(&[tcp(true, 0, SYN), tcp(false, 0, refusal)]);
        assert_eq!(all.all()[0].events, [PacketEvent::Syn, PacketEvent::Rst(Endpoint::Server)]);
        assert!(!all.all()[0].is_connected());
    }

    #[test]
    fn packets_after_the_release_of_a_port_are_not_ours() {
        let mut all = collect(&handshake());
        assert!(
            all.add(&tcp(false, 0, Segment { fin: true, ..ACK }), |_| false),
            "the rest of a known connection"
        );
        assert!(!all.add(&tcp(true, 0, Segment { sequence: 7, ..SYN }), |_| false));
        assert!(!all.add(&tcp(true, 5, ACK), |_| false));
        let mut all = collect(&[packet(true, 5, None), packet(false, 5, None)]);
        assert_eq!(all.all()[0].messages, [1, 1]);
        assert!(!all.add(&packet(true, 5, None), |_| false));
    }

    #[test]
    fn a_client_with_our_port_is_not_our_server() {
        let mut all = Conversations::default();
        assert!(!all.add(&tcp(true, 0, SYN), |address| address.port() == 40_000));
    }
}

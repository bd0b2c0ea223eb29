//! Sorting packets into conversations.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::conversation::Conversation;
use super::packet::{Packet, Protocol};

/// Every conversation, in the order in which they began.
#[derive(Debug, Default)]
pub struct Conversations {
    all: Vec<Conversation>,
    under_way: HashMap<(Protocol, SocketAddr, SocketAddr), usize>,
}

impl Conversations {
    /// Adds `packet` to its conversation. A new one begins only where `is_ours` says so of the server's address.
    /// Answers whether the packet belongs to any.
    pub fn add(&mut self, packet: &Packet, is_ours: impl Fn(SocketAddr) -> bool) -> bool {
        let Packet { from, to, .. } = *packet;
        let protocol = packet.protocol();
        let known = [(protocol, from, to), (protocol, to, from)]
            .into_iter()
            .find_map(|key| Some((key, *self.under_way.get(&key)?)));
        if let Some((key, place)) = known {
            if !self.ends_for(packet, place, &is_ours) {
                self.all[place].add(packet);
                return true;
            }
            self.under_way.remove(&key);
        }
        let (client, server) = match packet.segment {
            _ if is_ours(to) => (from, to),
            Some(segment) if segment.opens() => return false,
            _ if is_ours(from) => (to, from),
            _ => return false,
        };
        let mut new = Conversation::new(protocol, client, server);
        new.add(packet);
        self.under_way.insert((protocol, client, server), self.all.len());
        self.all.push(new);
        true
    }

    /// Whether `packet` has the addresses of a conversation that is over: a new connection has a new number, and
    /// a datagram is nobody's once the port is given back.
    fn ends_for(&self, packet: &Packet, place: usize, is_ours: &impl Fn(SocketAddr) -> bool) -> bool {
        match packet.segment {
            Some(segment) => segment.opens() && self.all[place].beginning != Some(segment.sequence),
            None => !is_ours(self.all[place].server),
        }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Conversation] {
        &self.all
    }

    /// The one with this client, the latest if there were several.
    #[must_use]
    pub fn of(&self, client: SocketAddr) -> Option<&Conversation> {
        self.all.iter().rev().find(|conversation| conversation.client == client)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Event, Segment, Side};
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

    fn heard(packets: &[Packet]) -> Conversations {
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
    fn what_is_sent_again_is_no_more_data_and_fin_is_none() {
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
        let all = heard(&packets);
        let it = &all.all()[0];
        assert_eq!((it.bytes, it.messages, it.flags), ([3, 0], [3, 0], [1, 1, 2, 0]));
        let told =
            "SYN, SYN-ACK, ACK; 3 bytes there, 0 bytes back; FIN from the client, then FIN from the server";
        assert!(it.to_string().ends_with(told), "{it}");
    }

    #[test]
    fn a_syn_that_is_sent_again_is_the_same_connection_and_another_is_a_new_one() {
        let mut packets = vec![tcp(true, 0, SYN)];
        packets.extend(handshake());
        assert_eq!(heard(&packets).all().len(), 1);
        packets.push(tcp(true, 0, Segment { sequence: 7, ..SYN }));
        let all = heard(&packets);
        assert_eq!(all.all().len(), 2);
        assert_eq!(all.all()[1].events, [Event::Syn]);
    }

    #[test]
    fn a_refused_connection_has_a_reset_from_the_server_and_no_handshake() {
        let refusal = Segment { sequence: 0, rst: true, ..ACK };
        let all = heard(&[tcp(true, 0, SYN), tcp(false, 0, refusal)]);
        assert_eq!(all.all()[0].events, [Event::Syn, Event::Rst(Side::Server)]);
        assert!(!all.all()[0].is_connected());
    }

    #[test]
    fn what_a_stranger_sends_from_the_same_port_is_not_ours_once_it_is_given_back() {
        let mut all = heard(&handshake());
        assert!(all.add(&tcp(false, 0, Segment { fin: true, ..ACK }), |_| false), "the rest of a known one");
        assert!(!all.add(&tcp(true, 0, Segment { sequence: 7, ..SYN }), |_| false));
        assert!(!all.add(&tcp(true, 5, ACK), |_| false));
        let mut all = heard(&[packet(true, 5, None), packet(false, 5, None)]);
        assert_eq!(all.all()[0].messages, [1, 1]);
        assert!(!all.add(&packet(true, 5, None), |_| false));
    }

    #[test]
    fn a_client_that_is_bound_to_our_port_does_not_make_us_its_server() {
        let mut all = Conversations::default();
        assert!(!all.add(&tcp(true, 0, SYN), |address| address.port() == 40_000));
    }
}

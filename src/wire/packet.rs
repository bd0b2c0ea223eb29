//! The headers of one packet, as far as anyone here asks for them. RFC 9293 §3.1, RFC 768.

use std::net::{IpAddr, SocketAddr};

use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};

use crate::sys::CapturedPacket;

/// What carries a packet's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// With a connection.
    Tcp,
    /// Without one.
    Udp,
}

/// One TCP or UDP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// How many bytes it carries, headers not counted.
    pub payload: usize,
    /// What TCP says in its header; none of UDP.
    pub segment: Option<Segment>,
}

/// The header of a TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Segment {
    /// The number of its first byte, or of its SYN.
    pub sequence: u32,
    /// It begins a connection.
    pub syn: bool,
    /// It acknowledges something.
    pub ack: bool,
    /// Nothing follows in this direction.
    pub fin: bool,
    /// The connection is no more.
    pub rst: bool,
}

impl Packet {
    /// Reads the headers; none where it is neither TCP nor UDP.
    #[must_use]
    pub fn read(frame: &CapturedPacket<'_>) -> Option<Packet> {
        let sliced = LaxSlicedPacket::from_ethernet(frame.bytes).ok()?;
        let (source, destination): (IpAddr, IpAddr) = match sliced.net.as_ref()? {
            LaxNetSlice::Ipv4(slice) => {
                (slice.header().source_addr().into(), slice.header().destination_addr().into())
            }
            LaxNetSlice::Ipv6(slice) => {
                (slice.header().source_addr().into(), slice.header().destination_addr().into())
            }
            LaxNetSlice::Arp(_) => return None,
        };
        let (ports, taken, segment) = match sliced.transport.as_ref()? {
            TransportSlice::Tcp(tcp) => {
                let segment = Segment {
                    sequence: tcp.sequence_number(),
                    syn: tcp.syn(),
                    ack: tcp.ack(),
                    fin: tcp.fin(),
                    rst: tcp.rst(),
                };
                ((tcp.source_port(), tcp.destination_port()), tcp.payload().len(), Some(segment))
            }
            TransportSlice::Udp(udp) => {
                ((udp.source_port(), udp.destination_port()), udp.payload().len(), None)
            }
            _ => return None,
        };
        // Of a long packet only the beginning is here. Loopback pads none, so the headers are what is before.
        let headers = frame.bytes.len() - taken;
        Some(Packet {
            from: (source, ports.0).into(),
            to: (destination, ports.1).into(),
            payload: frame.length.saturating_sub(headers),
            segment,
        })
    }

    /// What carries it.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        if self.segment.is_some() { Protocol::Tcp } else { Protocol::Udp }
    }
}

impl Segment {
    /// Whether it asks for a connection.
    #[must_use]
    pub fn opens(&self) -> bool {
        self.syn && !self.ack
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use etherparse::PacketBuilder;

    use super::*;

    #[test]
    fn a_packet_that_was_cut_still_tells_how_much_it_carried() {
        let builder = PacketBuilder::ethernet2([0; 6], [0; 6])
            .ipv4([127, 0, 0, 1], [127, 0, 0, 2], 64)
            .tcp(40_000, 20_123, 7, 1000)
            .ack(1);
        let mut bytes = Vec::new();
        builder.write(&mut bytes, &[b'x'; 500]).unwrap();
        for length in [bytes.len(), 100, 14 + 20 + 20] {
            let frame =
                CapturedPacket { timestamp: Duration::ZERO, length: bytes.len(), bytes: &bytes[..length] };
            let packet = Packet::read(&frame).unwrap();
            assert_eq!((packet.payload, packet.protocol()), (500, Protocol::Tcp));
            assert_eq!(packet.to, "127.0.0.2:20123".parse().unwrap());
            assert_eq!(packet.segment, Some(Segment { sequence: 7, ack: true, ..Segment::default() }));
        }
    }

    #[test]
    fn an_empty_datagram_carries_nothing() {
        let builder = PacketBuilder::ethernet2([0; 6], [0; 6]).ipv6([1; 16], [2; 16], 64).udp(7, 20_123);
        let mut bytes = Vec::new();
        builder.write(&mut bytes, &[]).unwrap();
        let packet =
            Packet::read(&CapturedPacket { timestamp: Duration::ZERO, length: bytes.len(), bytes: &bytes })
                .unwrap();
        assert_eq!((packet.payload, packet.protocol(), packet.from.port()), (0, Protocol::Udp, 7));
    }
}

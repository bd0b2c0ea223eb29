//! The headers of a captured packet. RFC 9293 §3.1, RFC 768.

use std::net::{IpAddr, SocketAddr};

use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};

use crate::sys::CapturedPacket;

/// The transport protocol of a packet: TCP or UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// TCP, the Transmission Control Protocol.
    Tcp,
    /// UDP, the User Datagram Protocol.
    Udp,
}

/// The addresses and lengths of a captured TCP or UDP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// The source address of the packet.
    pub from: SocketAddr,
    /// The destination address of the packet.
    pub to: SocketAddr,
    /// The number of data bytes in the packet, after its headers.
    pub payload: usize,
    /// The TCP header; `None` for UDP.
    pub segment: Option<Segment>,
}

/// The header of a TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Segment {
    /// The sequence number of the segment's first byte, or of its SYN.
    pub sequence: u32,
    /// Whether the segment has the SYN flag, which begins a connection.
    pub syn: bool,
    /// Whether the segment has the ACK flag, which acknowledges data.
    pub ack: bool,
    /// Whether the segment has the FIN flag, which ends the sender's direction.
    pub fin: bool,
    /// Whether the segment has the RST flag, which resets the connection.
    pub rst: bool,
}

impl Packet {
    /// Parses the headers of a captured packet. Returns `None` if it is neither TCP nor UDP.
    #[must_use]
    pub fn parse(frame: &CapturedPacket<'_>) -> Option<Packet> {
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
        // A long packet is captured in part. Loopback adds no padding, so everything before the data is headers.
        let headers = frame.bytes.len() - taken;
        Some(Packet {
            from: (source, ports.0).into(),
            to: (destination, ports.1).into(),
            payload: frame.length.saturating_sub(headers),
            segment,
        })
    }

    /// Returns the transport protocol of the packet.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        if self.segment.is_some() { Protocol::Tcp } else { Protocol::Udp }
    }
}

impl Segment {
    /// Whether the segment requests a TCP connection.
    #[must_use]
    pub fn requests_connection(&self) -> bool {
        self.syn && !self.ack
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use etherparse::PacketBuilder;

    use super::*;

    #[test]
    fn payload_of_a_truncated_packet_is_its_original_size() {
        let builder = PacketBuilder::ethernet2([0; 6], [0; 6])
            .ipv4([127, 0, 0, 1], [127, 0, 0, 2], 64)
            .tcp(40_000, 20_123, 7, 1000)
            .ack(1);
        let mut bytes = Vec::new();
        builder.write(&mut bytes, &[b'x'; 500]).unwrap();
        for length in [bytes.len(), 100, 14 + 20 + 20] {
            let frame =
                CapturedPacket { timestamp: Duration::ZERO, length: bytes.len(), bytes: &bytes[..length] };
            let packet = Packet::parse(&frame).unwrap();
            assert_eq!((packet.payload, packet.protocol()), (500, Protocol::Tcp));
            assert_eq!(packet.to, "127.0.0.2:20123".parse().unwrap());
            assert_eq!(packet.segment, Some(Segment { sequence: 7, ack: true, ..Segment::default() }));
        }
    }

    #[test]
    fn payload_of_an_empty_datagram_is_zero() {
        let builder = PacketBuilder::ethernet2([0; 6], [0; 6]).ipv6([1; 16], [2; 16], 64).udp(7, 20_123);
        let mut bytes = Vec::new();
        builder.write(&mut bytes, &[]).unwrap();
        let packet =
            Packet::parse(&CapturedPacket { timestamp: Duration::ZERO, length: bytes.len(), bytes: &bytes })
                .unwrap();
        assert_eq!((packet.payload, packet.protocol(), packet.from.port()), (0, Protocol::Udp, 7));
    }
}

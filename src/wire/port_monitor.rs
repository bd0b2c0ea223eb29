//! Captures the packets of one server's port, for a check that has clients there.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::conversation::Conversation;
use super::conversations::Conversations;
use super::explain_capture_error;
use super::packet::Packet;
use crate::check::{self, Finding, OrFinding};
use crate::deadline::until;
use crate::requirement::PACKET_CAPTURE;
use crate::sys::PacketCapture;

/// The number of bytes that a monitor of a port captures of each packet: enough for the headers.
const SNAPLEN: u32 = 256;

/// Records the packets of one port from [`start`](PortMonitor::start) on.
#[derive(Debug)]
pub struct PortMonitor {
    capture: PacketCapture,
    server: SocketAddr,
    conversations: Conversations,
}

impl PortMonitor {
    /// Begins to capture the packets of the port of `server`.
    ///
    /// # Errors
    /// Unsupported if this user or this system cannot capture packets.
    pub fn start(server: SocketAddr) -> check::Result<PortMonitor> {
        let capture = PacketCapture::open(Some(server.port()), SNAPLEN).map_err(|error| {
            Finding::missing_requirement(
                &PACKET_CAPTURE,
                "a look at the packets themselves",
                explain_capture_error(&error),
            )
        })?;
        Ok(PortMonitor { capture, server, conversations: Conversations::default() })
    }

    /// Waits at most `limit` until `condition` holds for the conversation with `client`. Returns the conversation,
    /// whether the condition holds or not.
    ///
    /// # Errors
    /// A broken harness if a packet was dropped, or if none was captured.
    pub fn wait_for(
        &mut self,
        client: SocketAddr,
        limit: Duration,
        condition: impl Fn(&Conversation) -> bool,
    ) -> check::Result<Conversation> {
        until(limit, || {
            self.read_packets().or_broken("packets seen as they pass")?;
            Ok(self.conversations.latest_of(client).is_some_and(&condition).then_some(()))
        })?;
        let dropped = self.capture.take_dropped().unwrap_or_default();
        if dropped > 0 {
            return Err(Finding::broken(
                "every packet of the conversation",
                format!("{dropped} were missed"),
            ));
        }
        let seen = self.conversations.latest_of(client).cloned();
        seen.ok_or_else(|| Finding::broken(format!("packets from {client}"), "none was seen"))
    }

    fn read_packets(&mut self) -> io::Result<()> {
        let mut buffer = [0; SNAPLEN as usize];
        while let Some(frame) = self.capture.next_packet(&mut buffer, Duration::ZERO)? {
            if let Some(packet) = Packet::parse(&frame) {
                let server = self.server.port();
                self.conversations.add(&packet, |address| address.port() == server);
            }
        }
        Ok(())
    }
}

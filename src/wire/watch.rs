//! One server's port, watched by a check that has clients there.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::conversation::Conversation;
use super::conversations::Conversations;
use super::obstacle;
use super::packet::Packet;
use crate::check::{self, Finding, OrFinding};
use crate::deadline::until;
use crate::requirement::PACKETS;
use crate::sys::PacketCapture;

/// Headers need no more.
const ROOM: u32 = 256;

/// All that passes to and from one port from now on.
#[derive(Debug)]
pub struct Watch {
    tap: PacketCapture,
    server: SocketAddr,
    conversations: Conversations,
}

impl Watch {
    /// Watches the port of `server`.
    ///
    /// # Errors
    /// Unsupported where this user, or this system, may not see packets.
    pub fn begin(server: SocketAddr) -> check::Result<Watch> {
        let tap = PacketCapture::open(Some(server.port()), ROOM).map_err(|error| {
            Finding::missing(&PACKETS, "a look at the packets themselves", obstacle(&error))
        })?;
        Ok(Watch { tap, server, conversations: Conversations::default() })
    }

    /// Waits until `is_so` of the conversation with `client`, at most `limit`; the conversation as it then is.
    ///
    /// # Errors
    /// A broken harness where a packet was missed, or none was seen at all.
    pub fn until(
        &mut self,
        client: SocketAddr,
        limit: Duration,
        is_so: impl Fn(&Conversation) -> bool,
    ) -> check::Result<Conversation> {
        until(limit, || {
            self.listen().or_broken("packets seen as they pass")?;
            Ok(self.conversations.of(client).is_some_and(&is_so).then_some(()))
        })?;
        let missed = self.tap.take_dropped().unwrap_or_default();
        if missed > 0 {
            return Err(Finding::broken("every packet of the conversation", format!("{missed} were missed")));
        }
        let seen = self.conversations.of(client).cloned();
        seen.ok_or_else(|| Finding::broken(format!("packets from {client}"), "none was seen"))
    }

    fn listen(&mut self) -> io::Result<()> {
        let mut room = [0; ROOM as usize];
        while let Some(frame) = self.tap.next_packet(&mut room, Duration::ZERO)? {
            if let Some(packet) = Packet::read(&frame) {
                let server = self.server.port();
                self.conversations.add(&packet, |address| address.port() == server);
            }
        }
        Ok(())
    }
}

//! Checks that the server sends nothing between the handshake and the client's first bytes.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;
use crate::wire::{Conversation, Endpoint, PacketEvent, PortMonitor};

pub const CHECK: Check = Check {
    id: "wire/handshake",
    level: Must,
    sentence: "a connection begins with SYN, SYN-ACK and ACK, followed by the client's bytes",
    why: "a server that sends, closes or resets first speaks another protocol, or closes before the client has asked",
    citations: &["RFC 9293 §3.5", "RFC 862", "packet(7)"],
    recipe: "record the packets of the server's port on the loopback interface; connect, and wait without sending; exchange 100 bytes; look at the packet after the three of the handshake",
    requires: Capabilities::SILENT_FIRST
        .union(Capabilities::TCP)
        .union(Capabilities::STREAM)
        .union(Capabilities::LOCAL),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let (deadlines, bytes) = (server.deadlines(), server.payload(100));
    let mut monitor = PortMonitor::start(super::address(server)?)?;
    let mut client = server.connect()?;
    let source = client.local_address()?;
    let opened = monitor.wait_for(source, deadlines.no_progress(), Conversation::is_connected)?;
    if !opened.is_connected() {
        return Err(Finding::broken("SYN, SYN-ACK and ACK on the wire", opened.to_string()));
    }
    // A server that sends first does so soon after the handshake.
    client.is_answered_within(deadlines.quiet())?;
    let answered = client.exchange(&bytes);
    let is_decided =
        |it: &Conversation| it.has_seen(PacketEvent::Data(Endpoint::Client)) || server_closed(it);
    judge(&monitor.wait_for(source, deadlines.no_progress(), is_decided)?)?;
    answered
}

fn server_closed(conversation: &Conversation) -> bool {
    conversation.has_seen(PacketEvent::Rst(Endpoint::Server))
        || conversation.has_seen(PacketEvent::Fin(Endpoint::Server))
}

fn judge(conversation: &Conversation) -> check::Result {
    let after = conversation.events.iter().skip_while(|event| **event != PacketEvent::Ack).nth(1);
    let sent = match after {
        Some(PacketEvent::Data(Endpoint::Server)) => "data",
        Some(PacketEvent::Fin(Endpoint::Server)) => "FIN",
        Some(PacketEvent::Rst(Endpoint::Server)) => "RST",
        _ => return Ok(()),
    };
    let actual = format!("{sent} from the server first");
    Err(Finding::fail("the client's bytes right after the handshake", actual)
        .because(conversation.to_string()))
}

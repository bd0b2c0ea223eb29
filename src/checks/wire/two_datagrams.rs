//! Checks that a message over UDP and its answer are exactly two datagrams.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::Capabilities;
use crate::wire::{Conversation, PortMonitor};

pub const CHECK: Check = Check {
    id: "wire/udp-two-datagrams",
    level: Must,
    sentence: "over UDP a message and its answer are two datagrams between the same two ports, with no third",
    why: "a client takes a repeated answer, or the second piece of one, for the answer to its next message",
    citations: &["RFC 862", "RFC 768", "packet(7)"],
    recipe: "record the packets of the server's port on the loopback interface; send one datagram, and receive one; wait; count the datagrams in each direction",
    requires: Capabilities::UDP.union(Capabilities::LOCAL),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let deadlines = server.deadlines();
    let mut monitor = PortMonitor::start(super::address(server)?)?;
    let mut client = server.connect()?;
    let source = client.local_address()?;
    client.exchange(b"one question")?;
    let answered = monitor.wait_for(source, deadlines.reply(), |it| it.messages >= [1, 1])?;
    if answered.messages[0] != 1 {
        return Err(Finding::broken("one datagram from the client on the wire", answered.to_string()));
    }
    // A second answer is sent before the server waits again.
    server.await_reaction()?;
    let all = monitor.wait_for(source, deadlines.quiet(), |it: &Conversation| it.messages[1] > 1)?;
    match all.messages {
        [1, 1] => Ok(()),
        [_, back] => {
            let actual = count_with_noun(usize::try_from(back).unwrap_or(usize::MAX), "datagram");
            let finding = Finding::fail("one datagram back, from the port it was sent to", actual);
            Err(finding.because(all.to_string()))
        }
    }
}

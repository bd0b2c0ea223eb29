//! Checks that the server ends a connection with FIN and not with RST.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::sys;
use crate::transport::Capabilities;
use crate::wire::{Conversation, Endpoint, PacketEvent, PortMonitor};

pub const CHECK: Check = Check {
    id: "wire/orderly-close",
    level: Should,
    sentence: "a connection with nothing left to send ends with a FIN from each side, and without an RST from the server",
    why: "a reset discards data that is still on its way and looks like a crash in a packet trace; the client's kernel may not report it to a client that has closed",
    citations: &[
        "RFC 9293 §3.6",
        "RFC 9293 §3.10.5",
        "RFC 1122 §4.2.2.13",
        "socket(7) (SO_LINGER)",
        "packet(7)",
    ],
    recipe: "record the packets of the server's port on the loopback interface; exchange 300 bytes, or a request, and close(2); exchange as much on a second connection, shutdown(SHUT_WR), read end of file, and close(2), if the server honours that; look for FIN and RST",
    requires: Capabilities::TCP.union(Capabilities::STREAM).union(Capabilities::LOCAL),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let mut monitor = PortMonitor::start(super::address(server)?)?;
    ends(server, &mut monitor, false).map_err(|finding| finding.because("after the client had closed"))?;
    if !server.spec().capabilities().contains(Capabilities::HALF_CLOSE) {
        return Ok(());
    }
    ends(server, &mut monitor, true)
        .map_err(|finding| finding.because("after the client had shut down its write side"))
}

/// Exchanges 300 bytes with the server, or a request that carries or represents them. Closes, after a half-close if
/// `half_close` is set, and judges how the connection ends.
fn ends(server: &mut Server, monitor: &mut PortMonitor, half_close: bool) -> check::Result {
    let (limit, bytes) = (server.deadlines().no_progress(), server.payload(300));
    let mut client = server.connect()?;
    let source = client.local_address()?;
    if let Err(finding) = client.exchange(&bytes) {
        // A reset may discard the reply.
        sys::between_launches(|| drop(client));
        judge(&monitor.wait_for(source, limit, is_over)?)?;
        return Err(finding);
    }
    // The reply is complete, so neither side has anything left to send.
    let [sent, received] = [client.sent(), client.received()].map(|bytes| bytes as u64);
    let exchanged =
        monitor.wait_for(source, limit, |it| it.is_connected() && it.bytes == [sent, received])?;
    if !exchanged.is_connected() || exchanged.bytes[0] != sent {
        let wanted = format!("{sent} bytes to the server after a handshake");
        return Err(Finding::broken(wanted, exchanged.to_string()));
    }
    let closed =
        if half_close { client.shut_down_write().and_then(|()| client.expect_eof()) } else { Ok(()) };
    sys::between_launches(|| drop(client));
    judge(&monitor.wait_for(source, limit, is_over)?)?;
    closed
}

fn is_over(conversation: &Conversation) -> bool {
    let saw = |event| conversation.has_seen(event);
    saw(PacketEvent::Fin(Endpoint::Client)) && saw(PacketEvent::Fin(Endpoint::Server))
        || saw(PacketEvent::Rst(Endpoint::Server))
        || saw(PacketEvent::Rst(Endpoint::Client))
}

/// Fails if the server reset the connection, by RST, before both sides had sent FIN. A later RST loses no data.
fn judge(conversation: &Conversation) -> check::Result {
    let position_of = |wanted| conversation.events.iter().position(|&event| event == wanted);
    let ended = position_of(PacketEvent::Fin(Endpoint::Client))
        .zip(position_of(PacketEvent::Fin(Endpoint::Server)))
        .map(|(one, two)| one.max(two));
    let reset = position_of(PacketEvent::Rst(Endpoint::Server));
    let actual = match (ended, reset) {
        (Some(ended), reset) if reset.is_none_or(|reset| reset > ended) => return Ok(()),
        (_, Some(_)) => "RST from the server",
        (..) if position_of(PacketEvent::Rst(Endpoint::Client)).is_some() => {
            "bytes to a client that has closed, and therefore an RST from the client"
        }
        (..) => return Err(timeout(conversation)),
    };
    Err(Finding::fail(WANTED, actual).because(conversation.to_string()))
}

const WANTED: &str = "FIN from both sides, and no RST";

fn timeout(conversation: &Conversation) -> Finding {
    Finding::timeout(WANTED, "no FIN from the server").because(conversation.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;
    use crate::wire::{Conversations, Packet, Segment};

    const FIN: Segment = Segment { sequence: 1, syn: false, ack: true, fin: true, rst: false };
    const RST: Segment = Segment { fin: false, rst: true, ..FIN };

    /// Judges a connection that ends with the segments `endings`, each sent by the client if the flag is set.
    fn outcome_of(endings: &[(bool, Segment)]) -> Result<(), (Outcome, String)> {
        let [client, server] = ["127.0.0.1:40000", "127.0.0.1:20000"].map(|text| text.parse().unwrap());
        let mut all = Conversations::default();
        for &(by_client, segment) in endings {
            let (from, to) = if by_client { (client, server) } else { (server, client) };
            all.add(&Packet { from, to, payload: 0, segment: Some(segment) }, |address| address == server);
        }
        judge(&all.all()[0]).map_err(|finding| (finding.outcome, finding.actual))
    }

    #[test]
    fn passes_when_both_sides_send_fin() {
        assert!(outcome_of(&[(true, FIN), (false, FIN)]).is_ok());
        assert!(outcome_of(&[(false, FIN), (true, FIN)]).is_ok());
    }

    #[test]
    fn passes_when_a_reset_follows_both_fins() {
        assert!(outcome_of(&[(true, FIN), (false, FIN), (false, RST)]).is_ok());
        assert!(outcome_of(&[(false, FIN), (true, FIN), (true, RST)]).is_ok());
    }

    #[test]
    fn reports_who_sent_a_reset_before_both_fins() {
        let server = (Outcome::Fail, "RST from the server".to_owned());
        assert_eq!(outcome_of(&[(true, FIN), (false, RST)]), Err(server.clone()));
        assert_eq!(outcome_of(&[(false, RST), (true, FIN)]), Err(server.clone()));
        assert_eq!(outcome_of(&[(false, FIN), (false, RST), (true, FIN)]), Err(server));
        let (outcome, actual) = outcome_of(&[(true, FIN), (true, RST)]).unwrap_err();
        assert!(outcome == Outcome::Fail && actual.starts_with("bytes to a client that has closed"));
        assert_eq!(outcome_of(&[(true, FIN)]).unwrap_err().0, Outcome::Timeout);
    }
}

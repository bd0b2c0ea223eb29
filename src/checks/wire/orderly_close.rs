//! How a connection ends.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::sys;
use crate::transport::Capabilities;
use crate::wire::{Conversation, Event, Side, Watch};

pub const CHECK: Check = Check {
    id: "wire/orderly-close",
    level: Should,
    says: "a connection on which all is said ends with a FIN from either side, and not with the server's RST",
    why: "a reset throws away what is still under way, and looks like a crash to whoever watches; the client's kernel may hide it from a client that has closed",
    cites: &["RFC 9293 §3.6", "RFC 9293 §3.10.5", "RFC 1122 §4.2.2.13", "socket(7) (SO_LINGER)", "packet(7)"],
    recipe: "record the packets of the server's port on the loopback interface; exchange 300 bytes and close(2); again with shutdown(SHUT_WR), end of file and then close(2); look for FIN and RST",
    needs: Capabilities::TCP.union(Capabilities::STREAM).union(Capabilities::HALF_CLOSE),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let mut watch = Watch::begin(super::address(server)?)?;
    ends(server, &mut watch, false).map_err(|finding| finding.because("after the client had closed"))?;
    ends(server, &mut watch, true)
        .map_err(|finding| finding.because("after the client had ended its direction"))
}

fn ends(server: &mut Server, watch: &mut Watch, by_halves: bool) -> check::Result {
    let (limit, bytes) = (server.deadlines().no_progress(), server.payload(300));
    let mut client = server.connect()?;
    let source = client.local_address()?;
    client.exchange(&bytes)?;
    // All that was sent has come back, so neither side has anything left to lose.
    let spoken = watch.until(source, limit, |it| it.is_connected() && it.bytes == [300, 300])?;
    if !spoken.is_connected() || spoken.bytes[0] != 300 {
        return Err(Finding::broken("300 bytes there on the wire, behind a handshake", spoken.to_string()));
    }
    let heard = if by_halves { client.shut_down_write().and_then(|()| client.expect_eof()) } else { Ok(()) };
    sys::between_launches(|| drop(client));
    judge(&watch.until(source, limit, is_over)?)?;
    heard
}

fn is_over(conversation: &Conversation) -> bool {
    let saw = |event| conversation.saw(event);
    saw(Event::Fin(Side::Client)) && saw(Event::Fin(Side::Server))
        || saw(Event::Rst(Side::Server))
        || saw(Event::Rst(Side::Client))
}

/// What comes after both have said their last is nobody's loss.
fn judge(conversation: &Conversation) -> check::Result {
    let place = |wanted| conversation.events.iter().position(|&event| event == wanted);
    let ended =
        place(Event::Fin(Side::Client)).zip(place(Event::Fin(Side::Server))).map(|(one, two)| one.max(two));
    let reset = place(Event::Rst(Side::Server));
    let actual = match (ended, reset) {
        (Some(ended), reset) if reset.is_none_or(|reset| reset > ended) => return Ok(()),
        (_, Some(_)) => "RST from the server",
        (..) if place(Event::Rst(Side::Client)).is_some() => {
            "bytes for a client that has gone, and so its RST"
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

    /// A conversation with these endings: whether the client sent each, and what.
    fn judged(endings: &[(bool, Segment)]) -> Result<(), (Outcome, String)> {
        let [client, server] = ["127.0.0.1:40000", "127.0.0.1:20000"].map(|text| text.parse().unwrap());
        let mut all = Conversations::default();
        for &(by_client, segment) in endings {
            let (from, to) = if by_client { (client, server) } else { (server, client) };
            all.add(&Packet { from, to, payload: 0, segment: Some(segment) }, |address| address == server);
        }
        judge(&all.all()[0]).map_err(|finding| (finding.outcome, finding.actual))
    }

    #[test]
    fn whoever_ends_first_an_orderly_close_is_two_fins_and_a_later_reset_is_no_matter() {
        assert!(judged(&[(true, FIN), (false, FIN)]).is_ok());
        assert!(judged(&[(false, FIN), (true, FIN)]).is_ok());
        assert!(judged(&[(true, FIN), (false, FIN), (false, RST)]).is_ok());
        assert!(judged(&[(false, FIN), (true, FIN), (true, RST)]).is_ok());
    }

    #[test]
    fn a_reset_before_both_fins_is_told_with_its_sender() {
        let server = (Outcome::Fail, "RST from the server".to_owned());
        assert_eq!(judged(&[(true, FIN), (false, RST)]), Err(server.clone()));
        assert_eq!(judged(&[(false, RST), (true, FIN)]), Err(server.clone()));
        assert_eq!(judged(&[(false, FIN), (false, RST), (true, FIN)]), Err(server));
        let (outcome, actual) = judged(&[(true, FIN), (true, RST)]).unwrap_err();
        assert!(outcome == Outcome::Fail && actual.starts_with("bytes for a client that has gone"));
        assert_eq!(judged(&[(true, FIN)]).unwrap_err().0, Outcome::Timeout);
    }
}

//! Checks that a server neither joins nor splits messages.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/message-boundaries",
    level: Must,
    sentence: "messages sent in a row come back as the same messages, neither joined nor split",
    why: "the mechanism preserves message boundaries and clients rely on them; once lost, they cannot be recovered",
    citations: &["RFC 862", "socket(2) (SOCK_DGRAM, SOCK_SEQPACKET)", "unix(7)"],
    recipe: "send messages of 7, 1, 300, 2 and 40 bytes in a row; receive five, and compare them in any order; then send one message twice, and wait for each",
    requires: Capabilities::ECHO.union(Capabilities::MESSAGES),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    let mut expected: Vec<Vec<u8>> = [7, 1, 300, 2, 40].map(|length| server.payload(length)).to_vec();
    expected.iter().try_for_each(|message| client.send(message))?;
    while !expected.is_empty() {
        let wanted = format!("{} more, each as it was sent", count_with_noun(expected.len(), "message"));
        let Some(message) = client.receive()? else {
            return Err(Finding::timeout(wanted, "no more messages"));
        };
        // A server with one process for each message may answer in another order.
        let Some(index) = expected.iter().position(|sent| *sent == message.bytes) else {
            let actual =
                format!("one of {} that was never sent", count_with_noun(message.bytes.len(), "byte"));
            return Err(Finding::fail(wanted, actual));
        };
        expected.swap_remove(index);
    }
    // A server may take an equal message for a retransmission, and drop it.
    let same = server.payload(20);
    client.exchange(&same)?;
    let again = client.exchange(&same);
    again.map_err(|finding| finding.because("the same message had been answered before"))
}

//! Checks that a server answers every message that was queued while it was busy.

use std::collections::HashSet;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/burst",
    level: Must,
    sentence: "messages that arrived while the server was busy are all answered, not only the first one",
    why: "an edge-triggered event is reported once for all queued messages; a server that receives one message per event leaves the rest unread until more arrive",
    citations: &["RFC 862", "epoll(7) (edge-triggered)", "recvmmsg(2)"],
    recipe: "stop the server (SIGSTOP); send up to 60 small messages, or 8 on a Unix datagram socket, whose queue is short; continue it (SIGCONT); receive all of them, in any order",
    requires: Capabilities::ECHO.union(Capabilities::MESSAGES).union(Capabilities::LAUNCHED),
    run,
};

/// The number of messages that a check sends at once: they fit into a socket's receive buffer of the default size.
const MOST: usize = 60;

/// The number of messages that a check sends at once to a Unix datagram socket. They fit into its queue, the server's
/// as well as the client's, which holds ten on Linux: unix(7), `max_dgram_qlen`.
const MOST_BY_PATH: usize = 8;

fn run(server: &mut Server) -> check::Result {
    let capabilities = server.spec().capabilities();
    let by_path = capabilities.contains(Capabilities::CONNECTIONLESS.union(Capabilities::SOCKET_PATH));
    let most = if by_path { MOST_BY_PATH } else { MOST };
    let mut client = server.connect()?;
    client.exchange(b"here")?;
    server.freeze()?;
    let mut expected = HashSet::new();
    for _ in 0..most {
        let message = server.payload(24);
        if !client.try_send(&message)? {
            break;
        }
        expected.insert(message);
    }
    server.thaw()?;
    let sent = expected.len();
    for answered in 0..sent {
        let Some(message) = client.receive()? else {
            let wanted = format!("{} back, all sent in a row", count_with_noun(sent, "message"));
            return Err(Finding::timeout(wanted, format!("{answered} of them, then nothing")));
        };
        // A server with one process for each message may answer in another order.
        if !expected.remove(&message.bytes) {
            let actual = format!("one of {} that was not sent", count_with_noun(message.bytes.len(), "byte"));
            return Err(Finding::fail("each message once, as it was sent", actual));
        }
    }
    Ok(())
}

//! Many messages, one event.

use std::collections::HashSet;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::text::count;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/burst",
    level: Must,
    says: "messages that arrived while the server was busy are all answered, and not only the first of them",
    why: "with an edge-triggered event, one receive for each event leaves the rest lying until more come, and every answer late from then on",
    cites: &["RFC 862", "epoll(7) (edge-triggered)", "recvmmsg(2)"],
    recipe: "stop the server, send up to 60 small messages (8 through a Unix datagram socket, whose queue is short), let it go on: all come back, in whatever order",
    needs: Capabilities::MESSAGES,
    run,
};

/// Few enough for a receive buffer of the usual size.
const MOST: usize = 60;

/// On Linux the queue of a Unix datagram socket holds ten (unix(7), `max_dgram_qlen`): the server's, and then ours.
const MOST_BY_PATH: usize = 8;

fn run(server: &mut Server) -> check::Result {
    let offers = server.spec().offers();
    let by_path = offers.contains(Capabilities::CONNECTIONLESS.union(Capabilities::SOCKET_PATH));
    let most = if by_path { MOST_BY_PATH } else { MOST };
    let mut client = server.messenger()?;
    client.exchange(b"here")?;
    server.freeze()?;
    let mut due = HashSet::new();
    for _ in 0..most {
        let message = server.payload(24);
        if !client.offer(&message)? {
            break;
        }
        due.insert(message);
    }
    server.thaw()?;
    let sent = due.len();
    for answered in 0..sent {
        let Some(message) = client.receive()? else {
            let wanted = format!("{} back that were sent in a row", count(sent, "message"));
            return Err(Finding::timeout(wanted, format!("{answered} of them, then nothing")));
        };
        // A server with one process for each message may answer in another order.
        if !due.remove(&message.bytes) {
            let actual = format!("one of {} that was not due", count(message.bytes.len(), "byte"));
            return Err(Finding::fail("messages as they were sent, each once", actual));
        }
    }
    Ok(())
}

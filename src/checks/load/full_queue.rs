//! Checks datagram clients beside one that does not read its answers.

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::sys;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, ConnectOptions};

pub const CHECK: Check = Check {
    id: "load/full-queue-blocks-none",
    level: Should,
    sentence: "while a datagram client does not read, and its queue is full, other clients are answered",
    why: "sendto(2) blocks while the receiver's queue is full, so that any client can stop the service by not reading; a server that gives up all answers at EAGAIN loses those of others",
    citations: &["unix(7)", "sendto(2) (EAGAIN, MSG_DONTWAIT)", "socket(7) (SO_SNDTIMEO)"],
    recipe: "A, whose socket is bound but not connected, sends more datagrams than its queue holds, and reads nothing; B exchanges 3 messages",
    requires: Capabilities::CONNECTIONLESS.union(Capabilities::SOCKET_PATH),
    run,
};

/// The number of answers that the server sends beyond the room in a client's queue. A server may wait a second for
/// each before it drops it.
const BEYOND: usize = 2;

/// The longest queue of a client that a check fills: unread answers count against the send buffer of the server,
/// which all clients share.
const LONGEST: usize = 100;

fn run(server: &mut Server) -> check::Result {
    let length = sys::datagram_queue_length().or_unsupported("the number of datagrams that a queue holds")?;
    if length > LONGEST {
        let found = format!("one that holds {length} (net.unix.max_dgram_qlen)");
        return Err(Finding::unsupported(
            "a client's queue that is full before the server's buffer is",
            found,
        ));
    }
    // Linux exempts a client that is connected to the server from the limit of its queue.
    let options = ConnectOptions { unconnected: true, ..ConnectOptions::default() };
    let mut slow = server.connect_with(&options)?;
    slow.exchange(b"before")?;
    // A queue of n holds one more than n.
    let sent = length + 1 + BEYOND;
    let why = format!(
        "another client has sent {} and reads none of the answers",
        count_with_noun(sent, "datagram")
    );
    for _ in 0..sent {
        slow.send(b"never read").map_err(|finding| finding.because(why.clone()))?;
    }
    let mut other = server.connect().map_err(|finding| finding.because(why.clone()))?;
    for text in [&b"one"[..], b"two", b"three"] {
        other.exchange(text).map_err(|finding| finding.because(why.clone()))?;
    }
    Ok(())
}

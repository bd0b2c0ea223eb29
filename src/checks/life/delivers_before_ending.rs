//! Checks whether a server sends back what it has read before SIGTERM ends it.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::May;
use crate::payload::KIB;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, ConnectOptions};

pub const CHECK: Check = Check {
    id: "life/delivers-before-ending",
    level: May,
    sentence: "a server that SIGTERM ends has sent back everything that it had read, and then closes without a reset",
    why: "bytes that the server has read and not returned are lost without an error, so users notice each deployment",
    citations: &["signal(7)", "tcp(7)", "socket(7) (SO_LINGER)", "RFC 9293 §3.6"],
    recipe: "connect with a small receive buffer; send 40,001 bytes; wait until the server has read all of them; send SIGTERM; count the bytes that come back; end of file follows, and no reset",
    requires: Capabilities::ECHO.union(Capabilities::TCP).union(Capabilities::MANY_CLIENTS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let small = ConnectOptions { receive_buffer: Some(64 * KIB), ..ConnectOptions::default() };
    let mut client = server.connect_with(&small)?;
    client.exchange(b"well")?;
    let bytes = server.payload(40_001);
    client.fill_until_blocked(&bytes)?;
    if !client.await_read()? {
        // No verdict: a server may leave unread what it will not answer.
        return Err(Finding::unsupported("40,001 bytes read by the server", "it leaves some of them unread"));
    }
    if let Err(finding) = server.stop_and_wait() {
        // life/ends-on-sigterm reports that.
        return Err(Finding::unsupported("a server that SIGTERM ends", finding.actual));
    }
    let length = count_with_noun(bytes.len(), "byte");
    client.expect(&bytes).map_err(|finding| {
        let wanted = format!("{length} back, all of which it had read when SIGTERM came");
        Finding::info(wanted, finding.actual)
    })?;
    // The kernel gives a client all that came before a reset. Bytes that are still on their way are lost.
    client.expect_eof().map_err(|finding| {
        let cause =
            "a reset, such as by SO_LINGER with time 0, discards what the client has not yet received";
        Finding::info(format!("end of file after {length} and SIGTERM"), finding.actual).because(cause)
    })
}

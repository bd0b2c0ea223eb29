//! How long a client may be silent.

use std::time::{Duration, Instant};

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::May;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "load/idle-client",
    level: May,
    says: "a client that was silent for two seconds is still served",
    why: "whoever types by hand, or answers to something slow, is cut off by a server without patience",
    cites: &["RFC 862", "RFC 9293 §3.8.4"],
    recipe: "exchange, be silent for 2.3 s, exchange",
    needs: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS),
    run,
};

/// A little more than two seconds, which is a popular choice of those who do hang up.
const SILENCE: Duration = Duration::from_millis(2300);

fn run(server: &mut Server) -> check::Result {
    let mut client = server.connect_and_exchange()?;
    let began = Instant::now();
    if client.readable_within(SILENCE)? {
        let actual = format!("the server ended it after {:.1} s", began.elapsed().as_secs_f64());
        return Err(Finding::info("a conversation that outlasts two seconds of silence", actual));
    }
    client.exchange(b"still here")
}

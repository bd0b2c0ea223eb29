//! Reports whether the server disconnects a silent client.

use std::time::{Duration, Instant};

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::May;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "load/idle-client",
    level: May,
    sentence: "a client that was silent for two seconds is still served",
    why: "a server with a short idle timeout disconnects users who type by hand, and programs that wait for something slow",
    citations: &["RFC 862", "RFC 9293 §3.8.4"],
    recipe: "exchange a message; wait 2.3 s; exchange another",
    requires: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS),
    run,
};

/// The time for which a client is silent: a little more than two seconds, a common idle timeout.
const SILENCE: Duration = Duration::from_millis(2300);

fn run(server: &mut Server) -> check::Result {
    if server.spec().protocol().only_greets() {
        return Err(
            Finding::unsupported("", "").because("the protocol has no request to send after a silence")
        );
    }
    let mut client = server.connect_ready()?;
    let began = Instant::now();
    if client.readable_within(SILENCE)? {
        let actual = format!("the server closed it after {:.1} s", began.elapsed().as_secs_f64());
        return Err(Finding::info("a connection that stays open for two seconds without data", actual));
    }
    client.exchange(b"still here")
}

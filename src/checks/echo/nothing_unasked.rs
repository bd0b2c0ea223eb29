//! Checks that the server does not send first.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/nothing-unasked",
    level: Must,
    sentence: "a client that has sent nothing receives nothing",
    why: "a greeting or a log line on the connection shifts every byte that follows it",
    citations: &["RFC 862"],
    recipe: "connect; wait without sending; then send 64 bytes, and compare the echo",
    requires: Capabilities::ECHO.union(Capabilities::STREAM).union(Capabilities::HALF_CLOSE),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let greeting = server.payload(64);
    let mut client = server.connect()?;
    server.await_reaction()?;
    if client.is_answered_within(server.deadlines().quiet())? {
        let unasked = client.expect_eof().err();
        return Err(Finding::fail(
            "nothing before the client has sent a byte",
            unasked.map_or_else(|| "end of file".into(), |finding| finding.actual),
        ));
    }
    client.send_and_collect(&greeting)?;
    client.collect_rest()
}

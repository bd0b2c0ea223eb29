//! An echo server waits to be spoken to.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::speech::Speech;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/nothing-unasked",
    level: Must,
    says: "a client that has sent nothing receives nothing",
    why: "a banner or a log line in the data channel shifts every byte that follows it",
    cites: &["RFC 862"],
    recipe: "connect, listen without sending, then exchange a few bytes and compare",
    needs: Capabilities::STREAM.union(Capabilities::HALF_CLOSE),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let greeting = server.payload(64);
    let mut client = server.connect()?;
    if client.hears_within(server.deadlines().quiet())? {
        let unasked = client.expect_eof().err();
        return Err(Finding::fail(
            "nothing before the first byte is sent",
            unasked.map_or_else(|| "end of file".into(), |finding| finding.actual),
        ));
    }
    let mut speech = Speech::by(client, server);
    speech.say(&greeting)?;
    speech.hear_out()
}

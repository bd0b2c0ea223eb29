//! The last byte is the client's own.

use crate::check;
use crate::checks::Check;
use crate::checks::speech::Speech;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/nothing-extra",
    level: Must,
    says: "after the last byte that was sent comes end of file, and nothing else",
    why: "a goodbye, an added newline or a byte sent twice corrupts what the client stores",
    cites: &["RFC 862"],
    recipe: "send 1,000 bytes that end without a newline, await them, shut down the write side, expect what was kept until then, and end of file at once",
    needs: Capabilities::STREAM.union(Capabilities::HALF_CLOSE),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let mut bytes = server.payload(999);
    bytes.push(b'.');
    let mut speech = Speech::to(server)?;
    speech.say(&bytes)?;
    speech.end()
}

//! A dialogue goes on.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/ping-pong",
    level: Must,
    says: "a dialogue of many messages without newlines goes on over one connection",
    why: "a server that takes one read for the whole conversation answers once and hangs up",
    cites: &["RFC 862", "recv(2)"],
    recipe: "40 times on one connection: send 1 to 1,500 bytes, wait for exactly those, then end it orderly",
    needs: Capabilities::STREAM.union(Capabilities::HALF_CLOSE),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let bytes = server.payload(1500);
    let mut client = server.connect()?;
    for turn in 0..40 {
        client.exchange(&bytes[..1 + turn * 37 % 1500])?;
    }
    client.shut_down_write()?;
    client.expect_eof()
}

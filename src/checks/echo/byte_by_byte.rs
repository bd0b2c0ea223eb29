//! Many small writes are one stream.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/byte-by-byte",
    level: Must,
    says: "bytes sent one at a time, each awaited, come back one at a time",
    why: "a server that reads in units of its own choice works with its author's client and no other",
    cites: &["RFC 862", "RFC 9293 §3.7"],
    recipe: "256 times: send one byte, wait for that byte",
    needs: Capabilities::STREAM,
    run,
};

fn run(server: &mut Server) -> check::Result {
    let bytes = server.payload(256);
    let mut client = server.connect()?;
    bytes.iter().try_for_each(|&byte| client.exchange(&[byte]))
}

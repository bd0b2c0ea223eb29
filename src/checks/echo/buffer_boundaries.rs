//! Checks messages that fill common buffer sizes exactly, where off-by-one errors show.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::payload::KIB;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/buffer-boundaries",
    level: Must,
    sentence: "messages exactly as long as a common buffer size, and one byte shorter or longer, come back complete",
    why: "quick tests never fill a buffer exactly, so an off-by-one error there goes unnoticed",
    citations: &["RFC 862", "read(2)"],
    recipe: "for each size of 1, 5, 512, 1024, 4096, 8192, 16 KiB and 64 KiB: send one byte less, exactly as many, and one more; wait for the echo of each",
    requires: Capabilities::ECHO.union(Capabilities::STREAM),
    run,
};

const BUFFERS: [usize; 8] = [1, 5, 512, KIB, 4 * KIB, 8 * KIB, 16 * KIB, 64 * KIB];

fn run(server: &mut Server) -> check::Result {
    let bytes = server.payload(64 * KIB + 1);
    let mut client = server.connect()?;
    for length in BUFFERS.iter().flat_map(|&size| [size - 1, size, size + 1]) {
        client.exchange(&bytes[..length]).map_err(|finding| {
            finding.because(format!("with {} at once", count_with_noun(length, "byte")))
        })?;
    }
    Ok(())
}

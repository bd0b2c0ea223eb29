//! Off by one lives where a buffer is exactly full.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::payload::KIB;
use crate::server::Server;
use crate::text::count;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/buffer-boundaries",
    level: Must,
    says: "messages as long as a usual buffer, and one byte more or less, come back whole",
    why: "a buffer that is exactly full is the one case that a quick test never tries",
    cites: &["RFC 862", "read(2)"],
    recipe: "for each of 1, 5, 512, 1024, 4096, 8192, 16 KiB, 64 KiB: send one byte less, as many, one more; await each",
    needs: Capabilities::STREAM,
    run,
};

const BUFFERS: [usize; 8] = [1, 5, 512, KIB, 4 * KIB, 8 * KIB, 16 * KIB, 64 * KIB];

fn run(server: &mut Server) -> check::Result {
    let bytes = server.payload(64 * KIB + 1);
    let mut client = server.connect()?;
    for length in BUFFERS.iter().flat_map(|&size| [size - 1, size, size + 1]) {
        client
            .exchange(&bytes[..length])
            .map_err(|finding| finding.because(format!("with {} at once", count(length, "byte"))))?;
    }
    Ok(())
}

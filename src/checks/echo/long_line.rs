//! A line that does not end.

use crate::check;
use crate::checks::Check;
use crate::checks::speech::Speech;
use crate::outcome::Level::Must;
use crate::payload::KIB;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/long-line",
    level: Must,
    says: "300 KiB without a newline come back like any other bytes",
    why: "a server that thinks in lines keeps one in a buffer of some size, and ends the conversation, or drops the rest, where that is full",
    cites: &["RFC 862", "read(2)"],
    recipe: "send 300 KiB that hold neither line feed nor carriage return, 4 KiB at a time and each awaited; exchange on; what a server that gathers has kept it must give at the end",
    needs: Capabilities::STREAM.union(Capabilities::HALF_CLOSE),
    run,
};

/// Little enough to be under way at once: what happens under backpressure is another check's matter.
const PIECE: usize = 4 * KIB;

fn run(server: &mut Server) -> check::Result {
    let mut bytes = server.payload(300 * KIB);
    bytes.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b'.');
    let mut speech = Speech::to(server)?;
    for piece in bytes.chunks(PIECE) {
        speech.say(piece).map_err(|finding| finding.because("in the middle of one long line"))?;
    }
    speech.say(b"and a short one\n")?;
    speech.hear_out()
}

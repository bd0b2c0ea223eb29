//! Checks that every byte value is echoed, so that the server handles bytes and not text.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/all-bytes",
    level: Must,
    sentence: "all 256 byte values come back unchanged, in any order and next to any other byte",
    why: "a server that handles its input as text (strlen, UTF-8, CRLF, ^D, stripping) silently corrupts binary data",
    citations: &["RFC 862", "read(2)", "write(2)"],
    recipe: "send all 256 byte values in ascending and in descending order, line ends mixed with NUL, invalid UTF-8, and a multibyte character one byte at a time; read the echo of each; shut down the write side, and read what a server that buffers its output still holds",
    requires: Capabilities::ECHO.union(Capabilities::STREAM).union(Capabilities::HALF_CLOSE),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    let up: Vec<u8> = (0..=u8::MAX).collect();
    let down: Vec<u8> = (0..=u8::MAX).rev().collect();
    for bytes in
        [&up[..], &down, b"\r\n\r\0\n", b"  \t\n", b"\xff\xfe\x80\xc3", b"\x04\x1a\x03", b"quit\n", b"\xff"]
    {
        client.send_and_collect(bytes)?;
    }
    for byte in "…".bytes() {
        client.send_and_collect(&[byte])?;
    }
    client.collect_rest()
}

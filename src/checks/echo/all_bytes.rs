//! Bytes are not text.

use crate::checks::Check;
use crate::server::Server;
use crate::transport::Needs;
use crate::verdict::{Level::Must, Verdict};

pub const CHECK: Check = Check {
    id: "echo/all-bytes",
    level: Must,
    says: "all 256 values of a byte come back unchanged, in any company",
    why: "text handling on the way (strlen, UTF-8, CRLF, ^D, stripping) silently damages binary data",
    cites: &["RFC 862", "read(2)", "write(2)"],
    recipe: "send all 256 values up and down, line ends with NUL, invalid UTF-8, and a multibyte character piecemeal",
    needs: Needs::STREAM,
    run,
};

fn run(server: &mut Server) -> Verdict {
    let mut client = server.connect()?;
    let up: Vec<u8> = (0..=u8::MAX).collect();
    let down: Vec<u8> = (0..=u8::MAX).rev().collect();
    for bytes in
        [&up[..], &down, b"\r\n\r\0\n", b"  \t\n", b"\xff\xfe\x80\xc3", b"\x04\x1a\x03", b"quit\n", b"\xff"]
    {
        client.exchange(bytes)?;
    }
    for byte in "…".bytes() {
        client.exchange(&[byte])?;
    }
    Ok(())
}

//! Checks datagrams that arrive in one buffer: UDP segmentation and receive offload.

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "reply/segments-stay-apart",
    level: Must,
    sentence: "datagrams that a client sends with one system call are answered one by one",
    why: "a server that sets UDP_GRO receives several datagrams in one buffer, with their size in a control message; if it ignores the size, it joins what clients have sent apart",
    citations: &["udp(7) (UDP_GRO, UDP_SEGMENT)", "RFC 768", "recvmsg(2)"],
    recipe: "send 4 datagrams of 100 bytes with one sendmsg(2) and UDP_SEGMENT; expect 4 answers",
    requires: Capabilities::CONNECTIONLESS.union(Capabilities::UDP).union(Capabilities::LOCAL),
    run,
};

const SEGMENTS: usize = 4;
const LENGTH: usize = 100;

const CAUSE: &str =
    "they were sent with one system call (UDP_SEGMENT), so a socket with UDP_GRO receives them in one buffer";

fn run(server: &mut Server) -> check::Result {
    let mut client = server.connect_and_exchange()?;
    let mut due: Vec<Vec<u8>> = (0..SEGMENTS).map(|_| server.payload(LENGTH)).collect();
    let messages = due.iter().map(|content| client.encode(content)).collect::<check::Result<Vec<_>>>()?;
    let size = messages[0].len();
    if messages.iter().any(|message| message.len() != size) {
        return Err(Finding::unsupported("requests of one length", "the protocol's differ"));
    }
    client
        .send_segments(&messages.concat(), size)
        .or_unsupported("several datagrams sent with one system call")?;
    let wanted = format!("{SEGMENTS} answers, to datagrams of {size} bytes");
    while !due.is_empty() {
        let answer = client.receive().map_err(|finding| finding.because(CAUSE))?;
        let Some(answer) = answer else {
            let actual = format!("{}, then nothing", SEGMENTS - due.len());
            return Err(Finding::timeout(wanted, actual).because(CAUSE));
        };
        let Some(place) = due.iter().position(|segment| *segment == answer.bytes) else {
            let actual = format!("one of {}", count_with_noun(answer.bytes.len(), "byte"));
            return Err(Finding::fail(wanted, actual).because(CAUSE));
        };
        due.swap_remove(place);
    }
    Ok(())
}

//! A buffer that is used again still holds the last message.

use crate::checks::Check;
use crate::server::Server;
use crate::transport::Needs;
use crate::verdict::{Level::Must, Verdict};

pub const CHECK: Check = Check {
    id: "echo/stale-tail",
    level: Must,
    says: "a short message after a long one carries nothing of the long one, nor of another client's",
    why: "a server that sends its whole buffer instead of what it received leaks the data of other clients",
    cites: &["recv(2) (the return value is the length)", "RFC 862"],
    recipe: "client A exchanges 400 bytes, client B 4, A 1: each answer has just the bytes sent",
    needs: Needs::MESSAGES.union(Needs::AT_ONCE),
    run,
};

fn run(server: &mut Server) -> Verdict {
    let (long, short) = (server.payload(400), server.payload(4));
    let mut first = server.messenger()?;
    first.exchange(&long)?;
    if server.spec().offers().contains(Needs::CONNECTIONLESS) {
        server.messenger()?.exchange(&short)?;
    }
    first.exchange(&short[..1]).map(drop)
}

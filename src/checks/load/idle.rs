//! Whoever waits uses no processor.

use std::time::Duration;

use crate::checks::{Check, talk};
use crate::server::Server;
use crate::transport::Needs;
use crate::verdict::{Finding, Level::Should, Verdict};

pub const CHECK: Check = Check {
    id: "load/idle",
    level: Should,
    says: "a server whose clients are silent uses next to no processor time",
    why: "one that polls for what is always ready, or asks again and again without waiting, burns a core for nothing",
    cites: &["poll(2)", "epoll(7)", "times(2)"],
    recipe: "connect a client and exchange, leave it silent, and count the processor time of all the server's processes over half a second; the same with a client that has ended its direction",
    needs: Needs::empty(),
    run,
};

/// Of one processor. Runtimes have timers and collectors of their own; a loop that never waits takes all of it,
/// or what others leave.
const SPINS: f64 = 0.2;

fn run(server: &mut Server) -> Verdict {
    let offers = server.spec().offers();
    let mut client = talk::answered(server)?;
    rests(server, "with a silent client")?;
    if offers.contains(Needs::MANY_CLIENTS) {
        client.finish(offers)?;
        rests(server, "after its client has ended the conversation")?;
    }
    Ok(())
}

/// What begins with a burst, such as a collector of garbage, is over at the second look or the third.
fn rests(server: &Server, when: &str) -> Verdict {
    let mut share = 0.0;
    for _ in 0..3 {
        share = server.processor_share(WINDOW)?;
        if share < SPINS {
            return Ok(());
        }
    }
    let actual = format!("{:.0} % of a processor {when}", share * 100.0);
    Err(Finding::fail("next to no processor time", actual))
}

const WINDOW: Duration = Duration::from_millis(500);

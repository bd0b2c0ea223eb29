//! Whoever waits uses no processor.

use std::time::Duration;

use crate::check::{self, Finding};
use crate::checks::{Check, steps};
use crate::outcome::Level::Should;
use crate::payload::MIB;
use crate::server::Server;
use crate::text::count;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "load/idle",
    level: Should,
    says: "a server whose clients are silent, or have gone, uses next to no processor time",
    why: "one that polls for what is always ready, or asks again and again without waiting, burns a core for nothing",
    cites: &["poll(2)", "epoll(7)", "proc(5) (schedstat)"],
    recipe: "for 0.2 s each, up to five times: the processor time that the server's processes use, and wait for, before the first client, with a silent client, with one that has ended its direction, and after they have gone",
    needs: Capabilities::empty(),
    run: silent,
};

pub const STALLED: Check = Check {
    id: "load/idle-while-stalled",
    level: Should,
    says: "a server whose client takes no more bytes uses next to no processor time, and none after that client's end",
    why: "the connection has something to read and no room to write: poll for the wrong one of them, or pass over a hang-up, and poll never waits",
    cites: &["poll(2) (POLLHUP)", "epoll(7)", "proc(5) (schedstat)"],
    recipe: "send without reading until nothing more is taken; the processor time as in load/idle; reset, and again; again with clients that send half, and three quarters, of that and end their direction",
    needs: Capabilities::STREAM,
    run: stalled,
};

fn silent(server: &mut Server) -> check::Result {
    let offers = server.spec().offers();
    rests(server, "before its first client")?;
    let mut client = steps::connect_and_settle(server)?;
    rests(server, "with a silent client")?;
    if offers.contains(Capabilities::HALF_CLOSE) && offers.contains(Capabilities::MANY_CLIENTS) {
        client.shut_down_write()?;
        // The server answers with an end of its own, or not at all: that is another check's matter.
        client.readable_within(server.deadlines().reply())?;
        rests(server, "with a client that has ended its direction")?;
    }
    if offers.contains(Capabilities::MANY_CLIENTS) {
        if offers.contains(Capabilities::CONNECTIONLESS) {
            // The answer to one who has gone can leave an error on the server's socket (udp(7)).
            client.send(b"and gone")?;
        }
        drop(client);
        rests(server, "after its client has gone")?;
    }
    Ok(())
}

fn stalled(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    let bytes = server.payload(32 * MIB);
    let taken = client.fill_until_blocked(&bytes)?;
    if taken == bytes.len() {
        return Ok(()); // Nothing is stalled: it takes whatever comes.
    }
    let all = count(taken, "byte");
    rests(server, &format!("with a client that has sent {all} and reads nothing"))?;
    if !server.spec().offers().contains(Capabilities::MANY_CLIENTS) {
        return Ok(());
    }
    client.reset()?;
    rests(server, "after a client has reset its connection without reading")?;
    // Less of it, so that the end is not held up in the client's own kernel, behind bytes that find no room; and yet more
    // than a server with large buffers can send on.
    for part in [taken / 2, taken / 4 * 3] {
        let mut client = server.connect()?;
        client.fill_until_blocked(&bytes[..part])?;
        client.shut_down_write()?;
        let part = count(part, "byte");
        rests(
            server,
            &format!("with a client that has sent {part}, ended its direction, and reads nothing"),
        )?;
    }
    Ok(())
}

const WINDOW: Duration = Duration::from_millis(200);

/// What begins with a burst, such as a compiler or a collector of garbage, is over at some look; a loop that
/// never waits is there at each.
pub(in crate::checks) fn rests(server: &Server, when: &str) -> check::Result {
    let mut seen = Vec::new();
    while seen.len() < LOOKS {
        let cpu_use = server.cpu_use(WINDOW)?;
        if !cpu_use.is_busy_loop() {
            return Ok(());
        }
        seen.push(cpu_use.to_string());
    }
    let last = seen.last().map_or("", String::as_str);
    Err(Finding::fail("next to no processor time", format!("{last} {when}"))
        .because(format!("so it was at each of {LOOKS} looks")))
}

const LOOKS: usize = 5;

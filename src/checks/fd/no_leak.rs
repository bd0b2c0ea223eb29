//! Checks that a server closes the descriptors of clients that have gone.

use std::collections::BTreeMap;

use crate::check::{self, Finding};
use crate::checks::{Check, pace, steps};
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::transport::Capabilities;

pub const NO_LEAK: Check = Check {
    id: "fd/no-leak",
    level: Should,
    sentence: "after hundreds of clients have come and gone, the server holds no more descriptors than after the first few",
    why: "a server that loses one descriptor for each client reaches its limit and fails with EMFILE",
    citations: &["close(2)", "accept(2)", "getrlimit(2) (RLIMIT_NOFILE)"],
    recipe: "serve 30 clients, one at a time, and count the descriptors of all the server's processes; serve 300 more, and count again; if there are more, serve 300 again, and fail if there are still more",
    requires: Capabilities::STREAM
        .union(Capabilities::CONNECTIONS)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::PROCESSES),
    run: after_clean_ends,
};

pub const NO_LEAK_AFTER_RESETS: Check = Check {
    id: "fd/no-leak-after-resets",
    level: Should,
    sentence: "after many clients have reset their connections, the server holds no more descriptors than before",
    why: "clients that close in order never reach an error path that forgets to close",
    citations: &["close(2)", "read(3p) (ECONNRESET)", "RFC 9293 §3.5.3"],
    recipe: "as fd/no-leak, but each client resets its connection (SO_LINGER 0), every other one with its last bytes unread",
    requires: Capabilities::TCP.union(Capabilities::MANY_CLIENTS).union(Capabilities::PROCESSES),
    run: after_resets,
};

pub const NO_LEAK_OF_PEERS: Check = Check {
    id: "fd/no-leak-of-peers",
    level: Should,
    sentence: "after many peers have sent one datagram each, the server holds no more descriptors than before",
    why: "a peer without a connection never closes anything, so a socket opened for each peer stays open",
    citations: &["socket(2)", "close(2)", "getrlimit(2) (RLIMIT_NOFILE)"],
    recipe: "as fd/no-leak, with 10 peers and then 60 more, each at its own address and answered once",
    requires: Capabilities::CONNECTIONLESS.union(Capabilities::MANY_CLIENTS).union(Capabilities::PROCESSES),
    run: after_peers,
};

fn after_clean_ends(server: &mut Server) -> check::Result {
    assert_no_growth(server, 30, 300, |server| {
        let mut client = server.connect()?;
        client.exchange(b"in")?;
        client.finish()
    })
}

fn after_resets(server: &mut Server) -> check::Result {
    assert_no_growth(server, 10, 60, |server| {
        server.connect_ready()?.reset()?;
        let mut client = server.connect_ready()?;
        client.send(b"never read")?;
        client.reset()
    })
}

fn after_peers(server: &mut Server) -> check::Result {
    assert_no_growth(server, 10, 60, |server| server.connect()?.exchange(b"in"))
}

/// The numbers of clients that a slow server serves, at first and then.
const FEWEST_FIRST: usize = 10;
const FEWEST: usize = 30;

/// Serves `warm_up` clients, then `clients` more, and fails if the server's number of descriptors grows with them.
/// Runtimes keep descriptors in pools, so the first clients do not count.
fn assert_no_growth(
    server: &mut Server,
    warm_up: usize,
    clients: usize,
    serve_one: fn(&mut Server) -> check::Result,
) -> check::Result {
    let warm_up = pace::repeat(warm_up, FEWEST_FIRST, |_| serve_one(server))?;
    let first = steps::wait_until_stable(server, || count_all(server))?;
    let (mut before, mut served) = (first, 0);
    // A pool of connections to other servers grows on a busy machine, and then stops. Only growth a second time is a leak.
    for _ in 0..2 {
        let more = pace::repeat(clients, FEWEST, |number| {
            let result = serve_one(server);
            result.map_err(|finding| finding.because(format!("at client {}", warm_up + served + number + 1)))
        })?;
        served += more;
        let allowed = before + more / 10;
        let limit = server.deadlines().exit();
        if until(limit, || Ok((count_all(server)? <= allowed).then_some(())))?.is_some() {
            return Ok(());
        }
        before = count_all(server)?;
    }
    Err(Finding::fail(
        format!("about {first} descriptors, as after the first {warm_up} clients"),
        format!("{before} after {served} more, {}", most_frequent(server)?),
    ))
}

fn count_all(server: &Server) -> check::Result<usize> {
    server.processes()?.iter().map(|process| server.descriptor_count(process.pid)).sum()
}

/// Describes the most frequent kind of descriptor that the server holds.
fn most_frequent(server: &Server) -> check::Result<String> {
    let mut kinds = BTreeMap::new();
    for process in server.processes()? {
        for descriptor in server.descriptors(process.pid)? {
            *kinds.entry(descriptor.object.kind()).or_insert(0) += 1;
        }
    }
    let most = kinds.iter().max_by_key(|(_, number)| **number);
    Ok(most.map(|(kind, number)| format!("{number} of them {kind}")).unwrap_or_default())
}

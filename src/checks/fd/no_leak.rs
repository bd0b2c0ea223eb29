//! Checks that a server closes the descriptors of clients that have gone.

use std::collections::BTreeMap;

use crate::check::{self, Finding};
use crate::checks::leaving::{self, Leaving};
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
    recipe: "serve 30 clients, one at a time, and count the descriptors of all the server's processes; serve 300 more, and count again; if there are more, serve 300 again, and fail if there are still more; the clients leave in turn after an exchange, after half a request, without a byte sent, and with a reply unread (Unix sockets)",
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
    recipe: "as fd/no-leak, with 20 clients and then 120 more that reset their connections (SO_LINGER 0): in turn after an exchange, with their last bytes unread, in the middle of a request, at once, and before the server has accepted them (stopped by SIGSTOP)",
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
    assert_no_growth(server, 30, 300, &leaving::orderly(server))
}

fn after_resets(server: &mut Server) -> check::Result {
    assert_no_growth(server, 20, 120, &leaving::by_reset(server))
}

fn after_peers(server: &mut Server) -> check::Result {
    assert_no_growth(
        server,
        10,
        60,
        &[Leaving::new("sent a datagram", |server| server.connect()?.exchange(b"in"))],
    )
}

/// The numbers of clients that a slow server serves, at first and then.
const FEWEST_FIRST: usize = 10;
const FEWEST: usize = 30;

/// Serves `warm_up` clients, then `clients` more, which leave in each of `ways` in turn, and fails if the server's number of
/// descriptors grows with them. Runtimes keep descriptors in pools, so the first clients do not count.
fn assert_no_growth(server: &mut Server, warm_up: usize, clients: usize, ways: &[Leaving]) -> check::Result {
    let warm_up = pace::repeat(warm_up, FEWEST_FIRST, |number| ways[number % ways.len()].visit(server))?;
    let first = steps::wait_until_stable(server, || count_all(server))?;
    let (mut before, mut served) = (first, 0);
    // A pool of connections to other servers grows on a busy machine, and then stops. Only growth a second time is a leak.
    for _ in 0..2 {
        let more = pace::repeat(clients, FEWEST, |number| {
            let result = ways[number % ways.len()].visit(server);
            result.map_err(|finding| finding.because(format!("at client {}", warm_up + served + number + 1)))
        })?;
        served += more;
        if settles(server, before + more / 10)? {
            return Ok(());
        }
        before = count_all(server)?;
    }
    let finding = Finding::fail(
        format!("about {first} descriptors, as after the first {warm_up} clients"),
        format!("{before} after {served} more, {}", most_frequent(server)?),
    );
    Err(finding.because(leaking_ways(server, ways).unwrap_or_default()))
}

/// Whether the server holds no more than `allowed` descriptors, or soon does.
fn settles(server: &Server, allowed: usize) -> check::Result<bool> {
    let limit = server.deadlines().exit();
    Ok(until(limit, || Ok((count_all(server)? <= allowed).then_some(())))?.is_some())
}

/// Lets clients leave in one way after another, and says in which of `ways` they leave descriptors behind. Says nothing if that
/// is every way.
fn leaking_ways(server: &mut Server, ways: &[Leaving]) -> check::Result<String> {
    let mut leaking = Vec::new();
    for way in ways {
        let before = steps::wait_until_stable(server, || count_all(server))?;
        let clients = pace::repeat(FEWEST, FEWEST_FIRST, |_| way.visit(server))?;
        if !settles(server, before + clients / 2)? {
            leaking.push(*way);
        }
    }
    Ok(leaving::describe(&leaking, ways, "the descriptors"))
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

//! Checks that threads and memory do not grow with the number of clients that have gone.

use std::time::Duration;

use crate::check::{self, Finding};
use crate::checks::leaving::{self, Leaving};
use crate::checks::{Check, pace, steps};
use crate::deadline::until;
use crate::outcome::{Level, Outcome};
use crate::payload::MIB;
use crate::server::Server;
use crate::transport::{Capabilities, Client, Stopwatch};

pub const NO_THREAD_LEAK: Check = Check {
    id: "load/no-thread-leak",
    level: Level::Should,
    sentence: "a server whose clients have gone has no thread and no process left for each of them",
    why: "a thread that waits forever for a client that has gone keeps its stack, until the server can create no more",
    citations: &["pthread_create(3) (EAGAIN)", "getrlimit(2) (RLIMIT_NPROC)"],
    recipe: "20 clients exchange a message and leave; count threads; 40 more, and count again; if the number has grown by 20 or more, and stays so, 40 more; the check fails if it grows by 20 again; where clients have connections, 24 leave in each of the ways of fd/no-leak and fd/no-leak-after-resets (40 clients of a slow server)",
    requires: Capabilities::MANY_CLIENTS.union(Capabilities::PROCESSES),
    run: threads,
};

pub const NO_MEMORY_LEAK: Check = Check {
    id: "load/no-memory-leak",
    level: Level::Should,
    sentence: "a server does not keep the data that former clients have sent",
    why: "memory that grows with every connection ends the server, or other programs, when none is left",
    citations: &["RFC 862", "getrusage(2)", "proc(5) (statm)"],
    recipe: "clients exchange 1 MiB each and leave, every fourth by a reset; read resident memory after each 16 clients, until it has grown by less than an eighth of what they sent (if the protocol says that the server keeps it, by less than twice as much); the check fails if it grows by more 32 times in a row",
    requires: VISITED.union(Capabilities::PROCESSES),
    run: memory_unless_deadlocked,
};

/// Capabilities that a server must have for its memory to be measured: each client sends more than a datagram holds,
/// and must leave before the measurement.
const VISITED: Capabilities =
    Capabilities::STREAM.union(Capabilities::CONNECTIONS).union(Capabilities::MANY_CLIENTS);

/// Connects one client, the `number`-th, exchanges `bytes`, and lets it leave.
fn serve_one(server: &mut Server, number: usize, bytes: &[u8]) -> check::Result {
    let client = exchange_one(server, number, bytes)?;
    leave(server, client, number)
}

/// Connects one client, the `number`-th, and exchanges `bytes`.
fn exchange_one(server: &mut Server, number: usize, bytes: &[u8]) -> check::Result<Client> {
    let mut client = server.connect()?;
    if server.spec().capabilities().contains(Capabilities::STAYS_OPEN) || !resets(server, number) {
        client.exchange(bytes)?;
    }
    Ok(client)
}

/// Lets the `number`-th client leave.
fn leave(server: &Server, mut client: Client, number: usize) -> check::Result {
    if resets(server, number) {
        client.send(b"never read")?;
        client.reset()
    } else {
        client.finish()
    }
}

/// Whether the `number`-th client resets its connection, with its last bytes unread: every fourth one does. Only a
/// connection can be reset: what a client has not read from a named pipe or queue stays there for the next one.
fn resets(server: &Server, number: usize) -> bool {
    number % 4 == 3 && server.spec().capabilities().contains(Capabilities::CONNECTIONS)
}

/// Serves clients that leave in each of `ways` in turn: `each` of them in each way, or `enough` in all if the server is slow.
/// Returns how many were served. Without `ways`, `enough` clients exchange a message.
fn serve(server: &mut Server, ways: &[Leaving], each: usize, enough: usize) -> check::Result<usize> {
    if server.spec().capabilities().contains(Capabilities::CONNECTIONLESS) {
        steps::serve_clients(server, enough)?;
        return Ok(enough);
    }
    if ways.is_empty() {
        (0..enough).try_for_each(|number| serve_one(server, number, b"in"))?;
        return Ok(enough);
    }
    let most = enough.max(each * ways.len());
    pace::repeat(most, enough, |number| ways[number % ways.len()].visit(server))
}

const BATCH: usize = 40;

/// The growth that counts. A pool that grows by fewer threads shows nothing.
const MORE: usize = BATCH / 2;

/// The number of clients that leave in each way: more than the growth that counts.
const EACH: usize = MORE + 4;

fn threads(server: &mut Server) -> check::Result {
    let ways = ways_to_leave(server);
    let first = serve(server, &ways, 1, BATCH / 2)?;
    let before = fewest(server, 0)?;
    let more = serve(server, &ways, EACH, BATCH)?;
    let then = fewest(server, before + MORE)?;
    if then < before + MORE {
        return Ok(());
    }
    // A thread pool grows to its size and then stops, so only growth a second time is a leak.
    let again = serve(server, &ways, EACH, BATCH)?;
    let now = fewest(server, then + MORE)?;
    if now < then + MORE {
        return Ok(());
    }
    let finding = Finding::fail(
        format!("{before} threads, as after the first {first} clients"),
        format!("{then} after {more} more, and {now} after {again} more again, with no client connected"),
    );
    Err(finding.because(leaving_threads(server, &ways).unwrap_or_default()))
}

/// Returns the ways in which clients leave a server over connections of a stream.
fn ways_to_leave(server: &Server) -> Vec<Leaving> {
    let capabilities = server.spec().capabilities();
    if !capabilities.contains(Capabilities::STREAM.union(Capabilities::CONNECTIONS)) {
        return Vec::new();
    }
    let mut ways = leaving::orderly(server);
    if capabilities.contains(Capabilities::TCP) {
        ways.extend(leaving::by_reset(server));
    }
    ways
}

/// Lets clients leave in one way after another, and says in which of `ways` they leave threads behind. Says nothing if that is
/// every way.
fn leaving_threads(server: &mut Server, ways: &[Leaving]) -> check::Result<String> {
    let mut leaking = Vec::new();
    for way in ways {
        let before = fewest(server, 0)?;
        serve(server, &[*way], EACH, EACH)?;
        if fewest(server, before + MORE)? >= before + MORE {
            leaking.push(*way);
        }
    }
    Ok(leaving::describe(&leaking, ways, "a thread or a process"))
}

/// Waits until the server has fewer than `enough` threads, or until they have had time to exit. Returns the smallest
/// number seen.
fn fewest(server: &Server, enough: usize) -> check::Result<usize> {
    let mut least = usize::MAX;
    let limit = if enough == 0 { server.deadlines().quiet() } else { server.deadlines().exit() };
    until(limit, || {
        least = least.min(server.process_stats()?.threads);
        Ok((least < enough).then_some(()))
    })?;
    Ok(least)
}

/// The number of clients in a batch: the server's memory is measured after each batch.
const CROWD: usize = 16;

/// The number of clients before the first measurement.
const FIRST: usize = CROWD / 4;

/// The time of the first clients from which a server is too slow: a batch would take several times as long.
const TOO_SLOW: Duration = Duration::from_secs(2);

/// The time for all clients of a check, as a multiple of the deadline for progress. Only a server that keeps growing
/// takes so long.
const LONGEST: u32 = 12;

/// The bytes that the clients of one batch send.
const SENT: u64 = (CROWD * MIB) as u64;

/// Returns the growth of the server's memory in one batch that counts. A server that keeps what it is sent, as a cache does,
/// may have room for half of it left over: memcached puts two values of 350 KiB into a page of 1 MiB.
fn growth_that_counts(server: &Server) -> u64 {
    if server.spec().protocol().keeps_payload() { 2 * SENT } else { SENT / 8 }
}

/// The number of batches in a row that a server must grow in to have a leak. Heaps, garbage collectors and allocators
/// grow too, but stop before that: a collector runs when the heap is full, and 32 batches send 512 MiB.
const BATCHES: u64 = 32;

/// The number of batches from which growth is told, if there is no time for more.
const TOLD: u64 = 8;

/// Checks that the server's memory does not grow with the number of clients. A server that deadlocks on 1 MiB passes
/// here, since echo/full-duplex reports that.
fn memory_unless_deadlocked(server: &mut Server) -> check::Result {
    match memory(server) {
        Err(finding) if finding.outcome == Outcome::Timeout => Ok(()),
        result => result,
    }
}

fn memory(server: &mut Server) -> check::Result {
    let bytes = server.payload(MIB);
    let mut stopwatch = server.stopwatch();
    serve_measured(server, FIRST, &bytes, &mut stopwatch)?;
    if stopwatch.elapsed() > TOO_SLOW {
        let found = format!("{FIRST} clients took {:.1} s", stopwatch.elapsed().as_secs_f64());
        return Err(Finding::unsupported("a server that answers 1 MiB in half a second", found));
    }
    let growth = growth_that_counts(server);
    let first = server.process_stats()?.resident;
    let mut last = first;
    for batch in 1..=BATCHES {
        if stopwatch.elapsed() > LONGEST * server.deadlines().no_progress() {
            return if batch > TOLD { Err(still_growing(first, last, batch - 1)) } else { Ok(()) };
        }
        serve_measured(server, CROWD, &bytes, &mut stopwatch)?;
        let now = least_resident(server, last + growth)?;
        if now < last + growth {
            return Ok(());
        }
        last = now;
    }
    Err(Finding::fail(WANTED, describe_growth(first, last, BATCHES)).because(format!(
        "it has grown after each of {BATCHES} batches of clients, which sent {} MiB each, by {} MiB or more",
        SENT / MIB as u64,
        growth / MIB as u64
    )))
}

/// Serves `clients` clients with `bytes`, one after another. `stopwatch` measures the time until each has its reply: the
/// thread that serves a client exits when the client leaves.
fn serve_measured(
    server: &mut Server,
    clients: usize,
    bytes: &[u8],
    stopwatch: &mut Stopwatch,
) -> check::Result {
    for number in 0..clients {
        stopwatch.resume();
        let client = exchange_one(server, number, bytes)?;
        stopwatch.stop();
        leave(server, client, number)?;
    }
    Ok(())
}

const WANTED: &str = "memory that stops growing with the number of clients";

/// Tells, as *info*, that the server grew in each of `batches`, and that there was no time for more.
fn still_growing(first: u64, now: u64, batches: u64) -> Finding {
    Finding::info(WANTED, describe_growth(first, now, batches))
}

fn describe_growth(first: u64, now: u64, batches: u64) -> String {
    let mebibytes = |bytes: u64| bytes / MIB as u64;
    format!(
        "{} MiB resident at first, {} MiB after {} clients that have gone",
        mebibytes(first),
        mebibytes(now),
        batches * CROWD as u64
    )
}

/// The time in which the last clients' processes exit and free their memory. If it takes longer, the next batch shows
/// that.
const SETTLES: Duration = Duration::from_millis(100);

/// Waits until the server has less than `enough` memory resident, or until the last clients' processes have had time
/// to exit. Returns the smallest number of bytes seen.
fn least_resident(server: &Server, enough: u64) -> check::Result<u64> {
    let mut least = u64::MAX;
    until(SETTLES, || {
        least = least.min(server.process_stats()?.resident);
        Ok((least < enough).then_some(()))
    })?;
    Ok(least)
}

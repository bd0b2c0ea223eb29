//! What grows with every client that has gone ends the server one day.

use std::time::Instant;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::deadline::until;
use crate::outcome::{Level, Outcome};
use crate::payload::MIB;
use crate::server::Server;
use crate::transport::Capabilities;

pub const THREADS: Check = Check {
    id: "load/no-thread-leak",
    level: Level::Should,
    says: "a server whose clients have gone has no thread and no process left for each of them",
    why: "a thread that waits for ever for one who has left keeps its stack, until no more can be made",
    cites: &["pthread_create(3) (EAGAIN)", "getrlimit(2) (RLIMIT_NPROC)"],
    recipe: "20 clients exchange and leave, every fourth by a reset; count threads; 40 more, and count again; where it has grown by 20 or more and stays so, 40 more: by 20 again",
    needs: VISITED,
    run: threads,
};

pub const MEMORY: Check = Check {
    id: "load/no-memory-leak",
    level: Level::May,
    says: "a server does not keep what its former clients have sent",
    why: "memory that grows with every conversation ends the server, or its neighbours, when there is none left",
    cites: &["RFC 862", "getrusage(2)", "proc(5) (statm)"],
    recipe: "clients exchange 1 MiB each and leave, every fourth by a reset; after each 16 look at resident memory: there must be a time at which it has grown by less than a fifth of what they sent, before it has grown by 128 MiB",
    needs: VISITED,
    run: unless_it_hangs,
};

const VISITED: Capabilities =
    Capabilities::STREAM.union(Capabilities::CONNECTIONS).union(Capabilities::MANY_CLIENTS);

/// Every fourth client leaves by a reset, with its last bytes on the way.
fn visit(server: &mut Server, number: usize, bytes: &[u8]) -> check::Result {
    let mut client = server.connect()?;
    client.exchange(bytes)?;
    if number % 4 == 3 {
        client.send(b"never read")?;
        client.reset()
    } else {
        client.shut_down_write()?;
        client.expect_eof()
    }
}

fn visits(server: &mut Server, clients: usize) -> check::Result {
    (0..clients).try_for_each(|number| visit(server, number, b"in"))
}

const BATCH: usize = 40;

fn threads(server: &mut Server) -> check::Result {
    visits(server, BATCH / 2)?;
    let before = fewest(server, 0)?;
    visits(server, BATCH)?;
    let then = fewest(server, before + BATCH / 2)?;
    if then < before + BATCH / 2 {
        return Ok(());
    }
    // A pool may have grown to its size; what grows once more is none.
    visits(server, BATCH)?;
    let now = fewest(server, then + BATCH / 2)?;
    if now < then + BATCH / 2 {
        return Ok(());
    }
    Err(Finding::fail(
        format!("{before} threads, as after the first {} clients", BATCH / 2),
        format!("{then} after {BATCH} more, and {now} after as many again, with no client connected"),
    ))
}

/// How many threads there are once there are fewer than `enough`, or once they have had time to end.
fn fewest(server: &Server, enough: usize) -> check::Result<usize> {
    let mut least = usize::MAX;
    let limit = if enough == 0 { server.deadlines().quiet() } else { server.deadlines().exit() };
    until(limit, || {
        least = least.min(server.vitals()?.threads);
        Ok((least < enough).then_some(()))
    })?;
    Ok(least)
}

/// What a heap, its collector and the allocator's arenas may take before they are content.
const CONTENT: u64 = 128 * MIB as u64;
const CROWD: usize = 16;

/// In deadlines for progress. Only one that grows and grows is visited for so long, and a busy machine makes each visit long.
const LONGEST: u32 = 12;

/// One who keeps what it hears grows by all that a crowd has sent.
const GROWS: u64 = (CROWD * MIB / 5) as u64;

/// A server that waits for itself where much is on the way does so here too: echo/full-duplex tells.
fn unless_it_hangs(server: &mut Server) -> check::Result {
    match memory(server) {
        Err(hung) if hung.outcome == Outcome::Timeout => Ok(()),
        told => told,
    }
}

fn memory(server: &mut Server) -> check::Result {
    let bytes = server.payload(MIB);
    let deadline = Instant::now() + LONGEST * server.deadlines().no_progress();
    (0..CROWD / 4).try_for_each(|number| visit(server, number, &bytes))?;
    let first = server.vitals()?.resident;
    let mut last = first;
    for clients in 1.. {
        if Instant::now() > deadline {
            break; // So slow a server has not been seen to leak.
        }
        visit(server, clients, &bytes)?;
        if clients % CROWD > 0 {
            continue;
        }
        let now = least_resident(server, last + GROWS)?;
        if now < last + GROWS {
            break;
        }
        if now > first + CONTENT {
            return Err(grown(first, now, clients));
        }
        last = now;
    }
    Ok(())
}

fn grown(first: u64, now: u64, clients: usize) -> Finding {
    let mebibytes = |bytes: u64| bytes / MIB as u64;
    // From outside what a collector has yet to free looks just like what is never freed.
    Finding::info(
        "memory that stops growing with the number of clients",
        format!(
            "{} MiB resident, {} MiB after {clients} clients that have gone",
            mebibytes(first),
            mebibytes(now)
        ),
    )
}

/// How much is resident once it is less than `enough`, or once the last clients' processes have had time to end.
fn least_resident(server: &Server, enough: u64) -> check::Result<u64> {
    let mut least = u64::MAX;
    until(server.deadlines().quiet(), || {
        least = least.min(server.vitals()?.resident);
        Ok((least < enough).then_some(()))
    })?;
    Ok(least)
}

//! Every accepted connection is a descriptor that somebody must close.

use std::collections::BTreeMap;

use crate::checks::Check;
use crate::patience::until;
use crate::server::Server;
use crate::transport::Needs;
use crate::verdict::{Finding, Level::Should, Verdict};

pub const CHECK: Check = Check {
    id: "fd/no-leak",
    level: Should,
    says: "after hundreds of clients have come and gone, the server holds no more descriptors than after the first few",
    why: "one descriptor lost for each client ends the server with EMFILE after a day, or after a thousand",
    cites: &["close(2)", "accept(2)", "getrlimit(2) (RLIMIT_NOFILE)"],
    recipe: "count the descriptors of all the server's processes after 30 clients one by one, and again after 300 more",
    needs: Needs::STREAM.union(Needs::CONNECTIONS).union(Needs::MANY_CLIENTS),
    run: after_clean_ends,
};

pub const AFTER_RESETS: Check = Check {
    id: "fd/no-leak-after-resets",
    level: Should,
    says: "after many clients that reset their connections, the server holds no more descriptors than before",
    why: "an error path that forgets to close is never seen with clients that say goodbye",
    cites: &["close(2)", "read(2) (ECONNRESET)", "RFC 9293 §3.10.7"],
    recipe: "as fd/no-leak, but each client ends with a reset (SO_LINGER 0), every other one with its last bytes on the way",
    needs: Needs::TCP.union(Needs::MANY_CLIENTS),
    run: after_resets,
};

fn after_clean_ends(server: &mut Server) -> Verdict {
    grows_not(server, 30, 300, |server| {
        let mut client = server.connect()?;
        client.exchange(b"in")?;
        client.shut_down_write()?;
        client.expect_eof()
    })
}

fn after_resets(server: &mut Server) -> Verdict {
    grows_not(server, 10, 60, |server| {
        let mut client = server.connect()?;
        client.exchange(b"in")?;
        client.reset()?;
        let mut client = server.connect()?;
        client.exchange(b"in")?;
        client.send(b"never read")?;
        client.reset()
    })
}

/// Runtimes keep descriptors in pools, so the first few clients are a warm-up and only growth counts.
fn grows_not(
    server: &mut Server,
    warm_up: usize,
    clients: usize,
    visit: fn(&mut Server) -> Verdict,
) -> Verdict {
    (0..warm_up).try_for_each(|_| visit(server))?;
    let before = settled(server, 0)?;
    for number in 1..=clients {
        visit(server).map_err(|finding| finding.because(format!("at client {}", warm_up + number)))?;
    }
    let allowed = before.values().sum::<usize>() + clients / 10;
    let after = settled(server, allowed)?;
    let (was, is) = (before.values().sum::<usize>(), after.values().sum::<usize>());
    if is <= allowed {
        return Ok(());
    }
    let most =
        after.iter().max_by_key(|(kind, number)| **number - before.get(*kind).unwrap_or(&0).min(number));
    let kind = most.map(|(kind, number)| format!(", {number} of them {kind}")).unwrap_or_default();
    Err(Finding::fail(
        format!("about {was} descriptors, as after the first {warm_up} clients"),
        format!("{is} after {clients} more{kind}"),
    ))
}

/// The open descriptors by kind, once there are at most `enough` or their number rests.
fn settled(server: &Server, enough: usize) -> Verdict<BTreeMap<&'static str, usize>> {
    let mut last = None;
    let mut seen = 0;
    let found = until(server.patience().exit(), || {
        let now = tally(server)?;
        let number: usize = now.values().sum();
        seen = if last == Some(number) { seen + 1 } else { 0 };
        last = Some(number);
        // With a goal only the goal ends the wait before the deadline; without one, ten equal counts do.
        let rests = enough == 0 && seen >= 10;
        Ok((number <= enough || rests).then_some(now))
    })?;
    found.map_or_else(|| tally(server), Ok)
}

fn tally(server: &Server) -> Verdict<BTreeMap<&'static str, usize>> {
    let mut kinds = BTreeMap::new();
    for process in server.processes()? {
        for descriptor in server.descriptors(process.pid)? {
            *kinds.entry(descriptor.object.kind()).or_insert(0) += 1;
        }
    }
    Ok(kinds)
}

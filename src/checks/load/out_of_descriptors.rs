//! accept(2) fails with EMFILE, and the client waits on.

use std::time::Duration;

use nix::unistd::Pid;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::{LaunchError, LaunchOptions, Server};
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "load/out-of-descriptors",
    level: Should,
    says: "a server without a free descriptor lives on, uses little processor time, and serves again once clients have left",
    why: "accept(2) fails and the client stays in the queue: a server that takes this as fatal dies, one that tries again at once spins",
    cites: &["accept(2) (EMFILE)", "getrlimit(2) (RLIMIT_NOFILE)", "epoll(7)"],
    recipe: "launch it with 64 descriptors; connect up to 90 clients one by one until they are no longer answered, and 4 more; the processor time as in load/idle; all leave; the next client exchanges",
    needs: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS),
    run,
};

/// Interpreters need some thirty for themselves.
const LIMIT: u32 = 64;
const CLIENTS: usize = 90;
const MORE: usize = 4;

fn run(server: &mut Server) -> check::Result {
    let options = LaunchOptions { descriptor_limit: Some(LIMIT), ..server.options() };
    let mut poor = Server::launch(server.spec(), options).map_err(|error| match error {
        LaunchError::Interrupted => Finding::interrupted(),
        error => Finding::unsupported(format!("a start with {LIMIT} descriptors"), error.to_string()),
    })?;
    let outcome = starve(&mut poor);
    outcome.map_err(|finding| poor.diagnose(finding))
}

fn starve(server: &mut Server) -> check::Result {
    let mut crowd = Vec::new();
    while crowd.len() < CLIENTS {
        let mut client = server.connect()?;
        let answered = is_answered(server, &mut client)?;
        crowd.push(client);
        if !answered {
            break;
        }
    }
    let answered = crowd.len() - 1;
    if crowd.len() == CLIENTS {
        return Ok(()); // A descriptor for each client was never needed.
    }
    // Some servers try again only when the next one comes.
    for _ in 0..MORE {
        let Ok(client) = server.connect() else { break };
        crowd.push(client);
    }
    let met =
        format!("with {LIMIT} descriptors, {answered} clients served and {} waiting", crowd.len() - answered);
    rests(server).map_err(|finding| finding.because(&met))?;
    drop(crowd);
    serves_again(server).map_err(|finding| finding.because(format!("after all have left; it ran {met}")))
}

/// False for one who is turned away, and as soon as the table is full and there is still no answer.
fn is_answered(server: &Server, client: &mut Client) -> check::Result<bool> {
    if client.send(b"?").is_err() {
        return Ok(false);
    }
    let limit = server.deadlines().reply();
    let mut full_at = 0;
    let told = until(limit, || {
        if client.readable_within(Duration::ZERO)? {
            return Ok(Some(client.expect(b"?").is_ok()));
        }
        full_at = if is_full(server)? { full_at + 1 } else { 0 };
        Ok((full_at > 8).then_some(false))
    })?;
    Ok(told.unwrap_or(false))
}

fn is_full(server: &Server) -> check::Result<bool> {
    let count = |pid: Pid| server.descriptor_count(pid).unwrap_or(0);
    Ok(server.processes()?.iter().any(|process| count(process.pid) >= LIMIT as usize))
}

const WINDOW: Duration = Duration::from_millis(200);
const LOOKS: usize = 5;

fn rests(server: &Server) -> check::Result {
    let mut cpu_use = server.cpu_use(WINDOW)?;
    for _ in 1..LOOKS {
        if !cpu_use.is_busy_loop() {
            return Ok(());
        }
        cpu_use = server.cpu_use(WINDOW)?;
    }
    if !cpu_use.is_busy_loop() {
        return Ok(());
    }
    Err(Finding::fail("a server that waits until a descriptor is free", cpu_use.to_string()))
}

/// Some pause for a second or so before they accept again.
fn serves_again(server: &mut Server) -> check::Result {
    let mut last = Ok(());
    let served = until(server.deadlines().no_progress(), || {
        last = server.connect_and_exchange().map(drop);
        Ok(last.is_ok().then_some(()))
    })?;
    served.map_or(last, Ok)
}

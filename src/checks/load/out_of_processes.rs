//! Checks a server that can make no thread and no process for its next client: fork(2) and pthread_create(3) fail with
//! EAGAIN.

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::steps::wait_until_stable;
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::{LaunchOptions, Server, describe_exit};
use crate::sys;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "load/out-of-processes",
    level: Should,
    sentence: "a client for which the server can make no thread or process is served later, or its connection is closed",
    why: "a server that forgets such a client keeps its connection open: the client waits for ever, and a descriptor is lost for each",
    citations: &["fork(2) (EAGAIN)", "pthread_create(3) (EAGAIN)", "getrlimit(2) (RLIMIT_NPROC)"],
    recipe: "launch the server as a user that no other process has; connect 4 clients, and count the server's threads and processes; if each client has added one, set RLIMIT_NPROC of the server to that number, connect 3 more, and set the limit back; the 3 are answered or disconnected; a server that ends, or serves no client any more, is told",
    requires: Capabilities::LAUNCHED
        .union(Capabilities::CONCURRENT_CLIENTS)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::CONNECTIONS),
    run,
};

/// The number of clients that are served before the limit is set, and after it.
const SERVED: usize = 4;
const MORE: usize = 3;

fn run(server: &mut Server) -> check::Result {
    let wanted = "a user of its own for the server (it needs root)";
    sys::check_user_permission().or_unsupported(wanted)?;
    let options = LaunchOptions { own_user: true, ..server.options() };
    // No verdict: the server may need files of the user that started it.
    let mut limited = server.launch_if_possible(options, "a start as another user")?;
    let before = tasks(&limited)?;
    let unserved =
        |finding: Finding| Finding::unsupported("clients of another user's server", finding.actual);
    let mut served = vec![limited.connect_and_hold().map_err(unserved)?];
    for _ in 1..SERVED {
        if !limited.serves_concurrently()? {
            return Ok(()); // It serves so many clients at a time by design, and makes nothing for the next one.
        }
        served.push(limited.connect_and_hold().map_err(unserved)?);
    }
    let now = wait_until_stable(&limited, || tasks(&limited))?;
    if now < before + SERVED {
        return Ok(()); // The server makes no thread and no process for each client.
    }
    beyond_limit(&mut limited, served, now)
}

/// Connects clients for which the server, which has `tasks` threads, can make no further one.
fn beyond_limit(server: &mut Server, served: Vec<Client>, tasks: usize) -> check::Result {
    set_limit(server, Some(tasks))?;
    let mut silent = Vec::new();
    for _ in 0..MORE {
        let Ok(mut client) = server.connect() else { break };
        let reached = client.send(b"?").is_err() || client.is_answered_within(server.deadlines().reply())?;
        if !reached {
            silent.push(client);
        }
    }
    let state = format!("when it could make no further thread or process beyond {tasks}");
    if let Some(status) = server.instance()?.ended() {
        // Information only: the usual calls of standard libraries end a server that does not expect them to fail.
        // std::thread::spawn panics, and Python's Thread.start raises an exception in the accepting thread.
        let wanted = "a server that runs on";
        return Err(Finding::info(wanted, format!("it has ended: {}", describe_exit(status))).because(state));
    }
    set_limit(server, None)?;
    drop(served);
    let again = until(server.deadlines().no_progress(), || Ok(server.connect_and_exchange().ok().map(drop)))?;
    if again.is_none() {
        return Err(Finding::info("a server that serves on", "it serves no client any more").because(state));
    }
    expect_no_silence(server, silent, &state)
}

/// Fails if one of the `silent` clients is neither answered nor disconnected, although the limit is gone.
fn expect_no_silence(server: &Server, mut silent: Vec<Client>, state: &str) -> check::Result {
    let limit = server.deadlines().no_progress();
    let mut waiting = 0;
    for client in &mut silent {
        // The others have waited as long as the first.
        let limit = if waiting == 0 { limit } else { server.deadlines().quiet() };
        waiting += usize::from(!client.is_answered_within(limit)?);
    }
    if waiting == 0 {
        return Ok(());
    }
    let clients = count_with_noun(waiting, "client");
    Err(Finding::fail(
        "an answer for each client, or the end of its connection",
        format!("{clients} still connected after {} s, and not answered", limit.as_secs_f64()),
    )
    .because(format!("they connected {state}; a client that connected later was served")))
}

/// Counts the threads of all processes of the server.
fn tasks(server: &Server) -> check::Result<usize> {
    Ok(server.process_stats()?.threads)
}

/// Sets the number of threads that the user of the server may have, or removes that limit.
fn set_limit(server: &Server, tasks: Option<usize>) -> check::Result {
    for process in server.processes()? {
        sys::set_task_limit(process.pid, tasks).or_broken("RLIMIT_NPROC of the server")?;
    }
    Ok(())
}

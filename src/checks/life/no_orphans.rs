//! A server that goes takes its processes with it.

use nix::sys::signal::Signal;

use crate::checks::Check;
use crate::checks::elsewhere::serves;
use crate::checks::holders::{at_rest, called};
use crate::os::{Object, Process};
use crate::patience::until;
use crate::server::Server;
use crate::transport::Needs;
use crate::verdict::{Finding, Level::Should, Outcome, Verdict};

pub const CHECK: Check = Check {
    id: "life/no-orphans",
    level: Should,
    says: "once SIGTERM has ended a server that has no clients, none of its processes is left",
    why: "a worker or helper that lives on holds the port, or the standard output whose end a pipeline or a CI job waits for",
    cites: &["kill(2)", "pipe(7)", "systemd.kill(5) (KillMode=)"],
    recipe: "serve 2 clients to their ends, send SIGTERM to the main process alone, await its end, then that of all its descendants; one that is left is named with what it holds",
    needs: Needs::MANY_CLIENTS,
    run,
};

fn run(server: &mut Server) -> Verdict {
    serves(server, 2)?;
    at_rest(server)?;
    server.end_by(Signal::SIGTERM).map_err(|finding| match finding.outcome {
        // life/ends-on-sigterm tells of that.
        Outcome::Timeout => Finding::unsupported("a server that SIGTERM ends", finding.actual),
        _ => finding,
    })?;
    let gone = || Ok(server.processes()?.is_empty().then_some(()));
    if until(server.patience().exit(), gone)?.is_some() {
        return Ok(());
    }
    let left = server.processes()?;
    let named = left.iter().take(3).map(|process| called(process) + &held(server, process));
    let actual = format!("still there: {}", named.collect::<Vec<_>>().join(", "));
    Err(Finding::fail("no process left of a server that has ended", actual))
}

/// What others may be waiting for: its sockets, and the output that it was given.
fn held(server: &Server, process: &Process) -> String {
    let table = server.descriptors(process.pid).unwrap_or_default();
    let telling = table.iter().filter(|descriptor| match &descriptor.object {
        Object::Socket(socket) => socket.listening,
        Object::Pipe { .. } => matches!(descriptor.number, 1 | 2),
        _ => false,
    });
    let list: Vec<_> = telling.map(|it| format!("{} as descriptor {}", it.object, it.number)).collect();
    if list.is_empty() { String::new() } else { format!(", which holds {}", list.join(" and ")) }
}

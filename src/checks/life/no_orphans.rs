//! A server that goes takes its processes with it.

use nix::sys::signal::Signal;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::elsewhere::serves;
use crate::checks::holders::at_rest;
use crate::deadline::until;
use crate::outcome::{Level::Should, Outcome};
use crate::server::{Server, command_line_of, describe_descriptors};
use crate::sys::Process;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/no-orphans",
    level: Should,
    says: "once SIGTERM has ended a server that has no clients, none of its processes is left",
    why: "a worker or helper that lives on holds the port, or the standard output whose end a pipeline or a CI job waits for",
    cites: &["kill(2)", "pipe(7)", "systemd.kill(5) (KillMode=)"],
    recipe: "serve 2 clients to their ends, send SIGTERM to the main process alone, await its end, then that of all its descendants; one that is left is named with its command line and what it holds",
    needs: Capabilities::MANY_CLIENTS,
    run,
};

fn run(server: &mut Server) -> check::Result {
    serves(server, 2)?;
    at_rest(server)?;
    server.signal_and_wait(Signal::SIGTERM).map_err(|finding| match finding.outcome {
        // life/ends-on-sigterm tells of that.
        Outcome::Timeout => Finding::unsupported("a server that SIGTERM ends", finding.actual),
        _ => finding,
    })?;
    let gone = || Ok(server.processes()?.is_empty().then_some(()));
    if until(server.deadlines().exit(), gone)?.is_some() {
        return Ok(());
    }
    let left = server.processes()?;
    let named: Vec<_> = left.iter().take(NAMED).map(named).collect();
    let more = left.len() - named.len();
    let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
    let actual = format!("still there: {}{more}", named.join("\n"));
    Err(Finding::fail("no process left of a server that has ended", actual))
}

/// Orphans that a report describes.
const NAMED: usize = 3;

/// Who it is, and what it holds: others may be waiting for its sockets, or for the end of its output.
fn named(process: &Process) -> String {
    let held = describe_descriptors(process.pid);
    let held = if held.is_empty() { held } else { format!(", which holds {held}") };
    format!("{} ({}){held}", process.pid, command_line_of(process))
}

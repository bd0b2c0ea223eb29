//! Checks that a server's processes exit with it.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::steps::{serve_clients, wait_until_stable};
use crate::outcome::Level::Should;
use crate::server::{Server, command_line_of, describe_descriptors};
use crate::sys::Process;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/no-orphans",
    level: Should,
    sentence: "after SIGTERM has ended a server without clients, none of its processes is left",
    why: "a worker or helper that keeps running holds the port, or the write end of a pipe whose end of file a pipeline or a CI job waits for",
    citations: &["kill(2)", "pipe(7)", "systemd.kill(5) (KillMode=)"],
    recipe: "serve 2 clients until they close; send SIGTERM to the main process alone; wait for its exit, and then for that of all its descendants; report each that is left, with its command line and descriptors",
    requires: Capabilities::MANY_CLIENTS.union(Capabilities::LAUNCHED),
    run,
};

fn run(server: &mut Server) -> check::Result {
    serve_clients(server, 2)?;
    wait_until_stable(server, || server.processes())?;
    server.stop_and_wait().map_err(|finding| finding.because("no client was connected"))?;
    let limit = server.deadlines().exit();
    if server.until(limit, |server| Ok(server.processes()?.is_empty().then_some(())))?.is_some() {
        return Ok(());
    }
    let left = server.processes()?;
    let named: Vec<_> = left.iter().take(NAMED).map(described).collect();
    let more = left.len() - named.len();
    let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
    let actual = format!("still there: {}{more}", named.join("\n"));
    Err(Finding::fail("no process left after the server has exited", actual))
}

/// The number of leftover processes that a report describes.
const NAMED: usize = 3;

/// Describes a process that is left after the server has exited: its number, command line and descriptors.
fn described(process: &Process) -> String {
    let held = describe_descriptors(process.pid);
    let held = if held.is_empty() { held } else { format!(", which holds {held}") };
    format!("{} ({}){held}", process.pid, command_line_of(process))
}

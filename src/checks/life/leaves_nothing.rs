//! Some things outlive their maker unless he removes them.

use nix::sys::signal::Signal;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::deadline::until;
use crate::outcome::{Level::Should, Outcome};
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/leaves-nothing-behind",
    level: Should,
    says: "once SIGTERM has ended a server, no shared memory, semaphore, message queue or socket file that it made is left",
    why: "they last until somebody removes them: each restart leaves more, until shmget(2) or msgget(2) says ENOSPC or memory is full",
    cites: &["sysvipc(7)", "shm_overview(7)", "sem_overview(7)", "mq_overview(7)", "unix(7)"],
    recipe: "serve 3 clients, send SIGTERM, await the end of all its processes; list what is new in ipcs(1), /dev/shm, /dev/mqueue and TMPDIR, and what the kernel says of who made or used it",
    needs: Capabilities::MANY_CLIENTS,
    run,
};

fn run(server: &mut Server) -> check::Result {
    for _ in 0..3 {
        let mut client = server.connect_and_exchange()?;
        // A process made for one client is seen only while that client is there.
        server.record_ipc_objects()?;
        client.finish()?;
    }
    server.record_ipc_objects()?;
    // life/ends-on-sigterm and life/no-orphans tell of a server that does not end, or not as a whole.
    let whole = |actual: String| Finding::unsupported("a server that SIGTERM ends as a whole", actual);
    server.signal_and_wait(Signal::SIGTERM).map_err(|finding| match finding.outcome {
        Outcome::Timeout => whole(finding.actual),
        _ => finding,
    })?;
    let gone = || Ok(server.processes()?.is_empty().then_some(()));
    if until(server.deadlines().exit(), gone)?.is_none() {
        return Err(whole("one of its processes lives on".into()));
    }
    let left: Vec<_> = server.leaks()?.into_iter().map(|remnant| remnant.name).collect();
    if left.is_empty() {
        return Ok(());
    }
    Err(Finding::leak("nothing left of a server that SIGTERM has ended", &left))
}

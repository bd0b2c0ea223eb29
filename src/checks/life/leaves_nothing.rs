//! Checks that a server removes the objects that outlive a process, such as shared memory.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::deadline::until;
use crate::outcome::{Level::Should, Outcome};
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/leaves-nothing-behind",
    level: Should,
    sentence: "after SIGTERM has ended a server, no shared memory, semaphore, message queue or socket file that it made is left",
    why: "these objects last until they are removed; each restart leaves more, until shmget(2) or msgget(2) fails with ENOSPC or memory is full",
    citations: &["sysvipc(7)", "shm_overview(7)", "sem_overview(7)", "mq_overview(7)", "unix(7)"],
    recipe: "serve 3 clients; send SIGTERM; wait for all processes of the server to exit; list what is new in ipcs(1), /dev/shm, /dev/mqueue and TMPDIR, with the processes that made or used it",
    requires: Capabilities::MANY_CLIENTS.union(Capabilities::LAUNCHED),
    run,
};

fn run(server: &mut Server) -> check::Result {
    for _ in 0..3 {
        let mut client = server.connect_and_exchange()?;
        // A process made for one client may exit with it, so its objects are recorded before that.
        server.record_ipc_objects()?;
        client.finish()?;
    }
    server.record_ipc_objects()?;
    // No verdict on objects: their owners may still remove them. life/no-orphans reports, after the same steps, that the
    // server or one of its processes does not exit.
    let still_running =
        |actual: String| Finding::unsupported("a server that SIGTERM ends with all its processes", actual);
    server.stop_and_wait().map_err(|finding| match finding.outcome {
        Outcome::Timeout => still_running(finding.actual),
        _ => finding,
    })?;
    let all_exited = || Ok(server.processes()?.is_empty().then_some(()));
    if until(server.deadlines().exit(), all_exited)?.is_none() {
        return Err(still_running("one of its processes is still running".into()));
    }
    let left: Vec<_> = server.leaks()?.into_iter().map(|remnant| remnant.name).collect();
    if left.is_empty() {
        return Ok(());
    }
    Err(Finding::leak("nothing left of a server that SIGTERM has ended", &left))
}

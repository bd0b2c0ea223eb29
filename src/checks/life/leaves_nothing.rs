//! Checks that a server removes the objects that outlive a process, such as shared memory.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::outcome::{Level::Should, Outcome};
use crate::server::{LaunchOptions, Server};
use crate::sys;
use crate::text::one_line;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/leaves-nothing-behind",
    level: Should,
    sentence: "after SIGTERM has ended a server, no shared memory, semaphore, message queue or socket file that it made is left",
    why: "these objects last until they are removed; each restart leaves more, until shmget(2) or msgget(2) fails with ENOSPC or memory is full",
    citations: &[
        "sysvipc(7)",
        "shm_overview(7)",
        "sem_overview(7)",
        "mq_overview(7)",
        "unix(7)",
        "ipc_namespaces(7)",
    ],
    recipe: "launch the server in IPC and mount namespaces of its own, with an empty /dev/shm; serve 3 clients; send SIGTERM; wait for all processes of the server to exit; list what is left in ipcs(1), /dev/shm, /dev/mqueue and TMPDIR; without namespaces, list what is new there and was made or held by a process of the server",
    requires: Capabilities::MANY_CLIENTS.union(Capabilities::LAUNCHED),
    run,
};

fn run(server: &mut Server) -> check::Result {
    // A client that shares memory or a queue with the server must see the same objects.
    let by_socket = Capabilities::PORT.union(Capabilities::SOCKET_PATH).union(Capabilities::FILE);
    if !server.spec().capabilities().intersects(by_socket) {
        return leaves_nothing_attributed(server);
    }
    match sys::check_namespace_permission() {
        Ok(()) => leaves_nothing_in_namespace(server),
        Err(error) => {
            leaves_nothing_attributed(server)?;
            let wanted = "IPC and mount namespaces of its own for the server (they need CAP_SYS_ADMIN)";
            let not_asked = "whether it leaves an object that no process of it was seen to hold";
            Err(Finding::unsupported(wanted, error.to_string()).because(format!("not asked: {not_asked}")))
        }
    }
}

/// Checks a second instance in namespaces of its own: whatever is left there is its own.
fn leaves_nothing_in_namespace(server: &mut Server) -> check::Result {
    let [memory, queues] = ["shm", "mqueue"].map(|name| server.scratch().join(name));
    fs::create_dir(&queues).and_then(|()| shared_folder(&memory)).or_broken("a directory for its objects")?;
    let options = LaunchOptions { shared_memory: Some(memory.clone()), ..server.options() };
    // No verdict: the server may need an object that others have made.
    let mut alone = server.launch_if_possible(options, "a start in IPC and mount namespaces of its own")?;
    let namespace = sys::ipc_namespace_of(alone.pid()?).or_broken("its IPC namespace")?;
    serve_and_stop(&mut alone)?;
    let mut left = objects_left(&namespace, &memory, &queues)?;
    left.extend(alone.leaks()?.into_iter().map(|leak| leak.name));
    expect_none(&left)
}

/// Makes a directory that serves as `/dev/shm`: every user may make files in it, and remove only their own.
fn shared_folder(path: &Path) -> std::io::Result<()> {
    fs::create_dir(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o1777))
}

/// A prefix of files that the tracing library of .NET leaves in /dev/shm, one for all programs of a user.
const SHARED_BY_USER: &str = "lttng-ust-";

fn objects_left(namespace: &File, memory: &Path, queues: &Path) -> check::Result<Vec<String>> {
    let objects = sys::objects_in_namespace(namespace, queues).or_broken("a list of its IPC objects")?;
    let mut left: Vec<_> = objects.iter().map(ToString::to_string).collect();
    for entry in fs::read_dir(memory).or_broken("a list of its shared memory")? {
        let name = entry.or_broken("a file of its shared memory")?.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with(SHARED_BY_USER) {
            let path: PathBuf = Path::new("/dev/shm").join(name.as_ref());
            left.push(one_line(&path.to_string_lossy()));
        }
    }
    Ok(left)
}

/// Checks the server itself: an object counts as its own if a process of it made it, or was seen to hold it.
fn leaves_nothing_attributed(server: &mut Server) -> check::Result {
    serve_and_stop(server)?;
    let left: Vec<_> = server.leaks()?.into_iter().map(|leak| leak.name).collect();
    expect_none(&left)
}

fn expect_none(left: &[String]) -> check::Result {
    if left.is_empty() {
        return Ok(());
    }
    Err(Finding::leak("nothing left of a server that SIGTERM has ended", left))
}

/// Serves three clients, sends SIGTERM, and waits until all processes of the server have exited.
fn serve_and_stop(server: &mut Server) -> check::Result {
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
    let limit = server.deadlines().exit();
    if server.until(limit, |server| Ok(server.processes()?.is_empty().then_some(())))?.is_none() {
        return Err(still_running("one of its processes is still running".into()));
    }
    Ok(())
}

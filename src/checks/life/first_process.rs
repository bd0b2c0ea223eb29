//! Reports a server that SIGTERM does not end if it is the first process of a PID namespace, as in a container.

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::steps::check_launched_with;
use crate::outcome::{Level::May, Outcome};
use crate::server::{LaunchOptions, Server};
use crate::sys;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/ends-on-sigterm-as-first-process",
    level: May,
    sentence: "a server that is process 1 of a PID namespace answers its clients, and SIGTERM ends it",
    why: "signals without a handler have no effect on process 1: a container without an init process, such as that of docker run --init, is killed after a delay of 10 s or more, and cannot clean up",
    citations: &["pid_namespaces(7) (The namespace init process)", "signal(7)", "kill(2)"],
    recipe: "start the server with unshare --pid --fork; exchange a message; send SIGTERM from outside the namespace; wait for its exit",
    requires: Capabilities::MANY_CLIENTS.union(Capabilities::ANY_ADDRESS).union(Capabilities::BINDS),
    run,
};

/// The harm of a server that answers no client as process 1, as a report states it.
const NOT_SERVED: &str =
    "in a container without an init process the server is process 1, and its clients get no answer";

/// The likely cause if a server answers no client as process 1.
const PARENT_IS_1: &str = "elsewhere it does; a worker may take a parent whose number is 1 for the init process, and its own parent for dead";

fn run(server: &mut Server) -> check::Result {
    // No verdict without a namespace: elsewhere SIGTERM has its default effect.
    sys::check_namespace_permission().or_unsupported("a PID namespace (it needs CAP_SYS_ADMIN)")?;
    let options = LaunchOptions { first_process: true, ..server.options() };
    check_launched_with(server, options, "as the first process of a PID namespace", |server| {
        server.connect_and_exchange().map_err(|finding| match finding.outcome {
            Outcome::Fail | Outcome::Timeout => finding.harms(NOT_SERVED).because(PARENT_IS_1),
            _ => finding,
        })?;
        ends_on_signal(server)
    })
}

fn ends_on_signal(server: &mut Server) -> check::Result {
    let stop = server.spec().setup().stop;
    let sets = sys::signal_sets(server.pid()?).or_unsupported("the signals of a process")?;
    if (sets.caught | sets.blocked) & 1 << (stop as i32 - 1) != 0 {
        // It has a handler, or waits for the signal as sigwait(3) does.
        return server.stop_and_wait().map(drop).map_err(|finding| match finding.outcome {
            Outcome::Timeout => Finding::info(finding.expected, finding.actual),
            _ => finding,
        });
    }
    let limit = server.deadlines().quiet();
    let instance = server.instance()?;
    instance.signal(stop).or_broken(format!("{stop} sent"))?;
    match instance.wait(limit) {
        Some(_) => Ok(()),
        None => Err(Finding::info(
            format!("an end after {stop}"),
            "it runs on, and has no handler for the signal",
        )
        .because(format!("process 1 has no default action for {stop}"))),
    }
}

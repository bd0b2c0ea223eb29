//! Checks that SIGTERM ends the server, whatever its clients do at that moment.

use std::os::unix::process::ExitStatusExt;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::steps::{self, check_launched_again, check_other, launch_to_check};
use crate::outcome::{Level::Should, Outcome};
use crate::server::{Server, describe_exit};
use crate::transport::{Capabilities, Client, Stopwatch};

pub const CHECK: Check = Check {
    id: "life/ends-on-sigterm",
    level: Should,
    sentence: "SIGTERM ends the server in time, with status 0 or 143 or by that signal, with and without clients",
    why: "a service manager waits for the server, and then kills it before it has cleaned up",
    citations: &[
        "signal(7)",
        "daemon(7)",
        "systemd.service(5) (SuccessExitStatus=)",
        "systemd.kill(5)",
        "accept(2) (EINTR)",
    ],
    recipe: "connect and exchange a message (a filter may buffer its answer); send SIGTERM to the main process; wait for its exit; read its status; do the same with other instances, all of them at once unless the address is fixed: before the first client, after two clients have left, with a client that has sent half a request, and with one that sends without reading until the server takes no more",
    requires: Capabilities::LAUNCHED,
    run,
};

/// The harm of a server that exits with a status that does not tell the reason, as a report states it.
const STATUS: &str = "a service manager takes any other status for a failure of the service: it reports the failure, and may start the service again";

/// A moment in a server's run at which the signal that should end it arrives.
struct Moment {
    /// The moment at which the signal arrives, in words for a report.
    when: &'static str,
    /// Capabilities that a server must have to be sent the signal at this moment.
    requires: Capabilities,
    /// Brings the server to the moment at which the signal arrives, and returns the client that is connected then.
    reach: fn(&mut Server) -> check::Result<Option<Client>>,
    /// Whether a server that receives the signal may first wait for its client a while, to complete an exchange.
    may_drain: bool,
}

/// A server that was sent the signal at a moment of its run.
struct Ending {
    moment: &'static Moment,
    /// The client that stays connected until the server has ended.
    _client: Option<Client>,
    /// Runs since the signal.
    stopwatch: Stopwatch,
}

const CONNECTED: Moment = Moment {
    when: "while a client was connected",
    requires: Capabilities::empty(),
    reach: |server| steps::connect_and_settle(server).map(Some),
    may_drain: false,
};

/// Moments at which the signal arrives. The server is launched again for each moment.
const OTHERS: &[Moment] = &[
    Moment {
        when: "before its first client",
        requires: Capabilities::MANY_CLIENTS,
        reach: |server| server.await_reaction().map(|()| None),
        may_drain: false,
    },
    Moment {
        when: "after its clients had left",
        requires: Capabilities::MANY_CLIENTS,
        reach: |server| {
            steps::serve_clients(server, 2)?;
            server.await_reaction().map(|()| None)
        },
        may_drain: false,
    },
    Moment {
        when: "while a client had sent half a request",
        requires: Capabilities::REQUESTS.union(Capabilities::STREAM),
        reach: |server| {
            let mut client = server.connect()?;
            client.begin_request(b"half of it")?;
            // The server has read that, and knows that it waits for the rest.
            server.await_reaction().map(|()| Some(client))
        },
        may_drain: true,
    },
    Moment {
        when: "while a client that read nothing could send no more",
        requires: Capabilities::STAYS_OPEN.union(Capabilities::FILLABLE).union(Capabilities::STREAM),
        reach: |server| Ok(Some(steps::connect_and_fill(server)?.0)),
        may_drain: true,
    },
];

fn run(server: &mut Server) -> check::Result {
    let capabilities = server.spec().capabilities();
    let others = OTHERS.iter().filter(|moment| capabilities.contains(moment.requires));
    let about = |finding: Finding| finding.because(CONNECTED.when);
    let first = begin_end(server, &CONNECTED).map_err(about)?;
    if server.spec().setup().fixed_address.is_some() {
        expect_end(server, first).map_err(about)?;
        return others.into_iter().try_for_each(|moment| {
            check_launched_again(server, moment.when, |server| {
                let ending = begin_end(server, moment)?;
                expect_end(server, ending)
            })
        });
    }
    // Each server takes its time to end, so they all end at once.
    let mut ending = Vec::new();
    for moment in others {
        let mut other = launch_to_check(server, moment.when)?;
        let end = check_other(&mut other, moment.when, |other| begin_end(other, moment))?;
        // Dropped in this order, so that no server waits for its client.
        ending.push((end, other));
    }
    expect_end(server, first).map_err(about)?;
    ending.into_iter().try_for_each(|(end, mut other)| {
        let when = end.moment.when;
        check_other(&mut other, when, |other| expect_end(other, end))
    })
}

/// Brings `server` to `moment`, and sends it the signal that should end it.
fn begin_end(server: &mut Server, moment: &'static Moment) -> check::Result<Ending> {
    let client = (moment.reach)(server)?;
    server.begin_stop()?;
    Ok(Ending { moment, _client: client, stopwatch: server.stopwatch() })
}

fn expect_end(server: &mut Server, mut ending: Ending) -> check::Result {
    let stop = server.spec().setup().stop;
    let status = match server.await_stop(&mut ending.stopwatch) {
        Err(finding) if finding.outcome == Outcome::Timeout && ending.moment.may_drain => {
            return Err(after_a_while(server, finding));
        }
        ended => ended?,
    };
    // A shell reports a process that was ended by a signal with 128 and the signal's number: sh(1).
    let reported = 128 + stop as i32;
    if status.signal() == Some(stop as i32) || [Some(0), Some(reported)].contains(&status.code()) {
        return Ok(());
    }
    Err(Finding::fail(format!("exit status 0 or {reported}, or ended by {stop}"), describe_exit(status))
        .harms(STATUS))
}

/// Lowers a timeout to *info* if the server exits later by itself, because it has waited for its client.
fn after_a_while(server: &mut Server, finding: Finding) -> Finding {
    let limit = server.deadlines().exit();
    let ended = server.wait_for_exit(2 * limit).is_ok_and(|status| status.is_some());
    if !ended {
        return finding;
    }
    let actual = format!("it ends, but not within {} s: it waits for its client", limit.as_secs_f64());
    Finding::info(finding.expected, actual)
}

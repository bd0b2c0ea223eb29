//! Checks of sockets passed by sd_listen_fds(3): for which process they are, how many there are, and in which mode.

use std::process::ExitStatus;
use std::time::Duration;

use crate::check::{self, Finding};
use crate::checks::{Check, steps};
use crate::outcome::{Level::Should, Outcome};
use crate::server::{LaunchError, LaunchOptions, ListenerOptions, Server, describe_exit};
use crate::transport::{Address, Capabilities, Client, ConnectOptions};

pub const LISTEN_PID_OF_ANOTHER: Check = Check {
    id: "fd/listen-pid-of-another",
    level: Should,
    sentence: "the server leaves passed sockets alone if LISTEN_PID names another process",
    why: "children inherit the variables: a program started by the process for which the sockets were meant would take its clients",
    citations: &["sd_listen_fds(3)"],
    recipe: "launch the server with a listener as descriptor 3, LISTEN_FDS=1 and LISTEN_PID=1; send from a client; the server exits, or never answers",
    requires: Capabilities::PASSED_LISTENER,
    run: meant_for_another,
};

pub const NONBLOCKING_LISTENER: Check = Check {
    id: "fd/nonblocking-listener",
    level: Should,
    sentence: "the server serves a passed listener that has O_NONBLOCK set, and waits for clients without a busy loop",
    why: "accept(2) returns EAGAIN while no client waits; a server that takes it for a failure exits, and one that calls again at once uses a whole processor",
    citations: &["systemd.service(5) (NonBlocking=)", "accept(2) (EAGAIN)"],
    recipe: "launch the server with a listener that has O_NONBLOCK set; one client exchanges a message and leaves; measure processor time as in load/idle; another client exchanges a message",
    requires: Capabilities::PASSED_LISTENER,
    run: nonblocking,
};

pub const SERVES_EVERY_LISTENER: Check = Check {
    id: "fd/serves-every-listener",
    level: Should,
    sentence: "of two passed listening sockets the server serves both, or it refuses to start",
    why: "the kernel completes the connections of the second listener, so its clients connect and then wait forever",
    citations: &["sd_listen_fds(3)", "systemd.socket(5) (ListenStream=)"],
    recipe: "launch the server with listeners as descriptors 3 and 4, and LISTEN_FDS=2; exchange a message with a client of each",
    requires: Capabilities::PASSED_LISTENER,
    run: every_listener,
};

fn meant_for_another(server: &mut Server) -> check::Result {
    let mut other =
        match passed(server, ListenerOptions { for_another_process: true, ..ListenerOptions::default() }) {
            Err(LaunchError::Ended { .. }) => return Ok(()),
            launched => launched.map_err(|error| not_launched(&error))?,
        };
    let mut client = other.connect()?;
    client.send(b"not for you")?;
    match await_answer_or_exit(&mut other, &mut client)? {
        Some(Sign::Answered) => Err(Finding::fail(
            "no service on a socket that is meant for process 1 (LISTEN_PID=1)",
            "the server answers its client",
        )),
        _ => Ok(()),
    }
}

/// The reaction of a server to passed listening sockets: it serves a client, or exits.
enum Sign {
    Answered,
    Exited(ExitStatus),
}

/// Waits until the server answers `client` or exits. Returns `None` if neither happens before the deadline for a start:
/// a passed listener is ready before the server is.
fn await_answer_or_exit(server: &mut Server, client: &mut Client) -> check::Result<Option<Sign>> {
    server.until(server.deadlines().start(), |server| {
        if client.readable_within(Duration::ZERO)? {
            return Ok(Some(Sign::Answered));
        }
        Ok(server.instance()?.ended().map(Sign::Exited))
    })
}

const CAUSE: &str = "the listener has O_NONBLOCK set";

fn nonblocking(server: &mut Server) -> check::Result {
    let listeners = ListenerOptions { nonblocking: true, ..ListenerOptions::default() };
    let options = LaunchOptions { listeners, ..server.options() };
    let wanted = "a server that starts with a listener that has O_NONBLOCK set";
    let mut other = server.launch_under(options, wanted).map_err(|finding| match finding.outcome {
        Outcome::Fail => finding.because(CAUSE),
        _ => finding,
    })?;
    let waits = |server: &Server| steps::expect_idle(server, "while it waits for a client");
    let served = serve_one(&mut other).and_then(|()| waits(&other)).and_then(|()| serve_one(&mut other));
    served.map_err(|finding| other.diagnose(finding).because(CAUSE))
}

/// Connects one client and exchanges a message, while no other client is connected. Before it and after it, accept(2)
/// on a nonblocking listener returns EAGAIN.
fn serve_one(server: &mut Server) -> check::Result {
    server.connect_and_exchange()?.finish()
}

fn every_listener(server: &mut Server) -> check::Result {
    let mut other = match passed(server, ListenerOptions { second: true, ..ListenerOptions::default() }) {
        Err(LaunchError::Ended { status, .. }) if !status.success() => return Err(refuses(status)),
        launched => launched.map_err(|error| not_launched(&error))?,
    };
    let second = other.second_address().cloned();
    let second = second.ok_or_else(|| Finding::broken("a second listener", "there is none"))?;
    for address in [other.address().clone(), second] {
        exchange_at(&mut other, &address)?;
    }
    Ok(())
}

fn exchange_at(server: &mut Server, address: &Address) -> check::Result {
    let options = ConnectOptions::to(address.clone());
    let mut client = server.connect_with(&options)?;
    client.send(b"here")?;
    match await_answer_or_exit(server, &mut client)? {
        Some(Sign::Answered) => {
            client.expect(b"here")?;
            client.finish()
        }
        // A server may refuse more than one socket. Its exit shows clients that it does not serve them.
        Some(Sign::Exited(status)) if !status.success() => Err(refuses(status)),
        _ => Err(Finding::timeout(
            format!("an answer from {address}, one of two passed listeners"),
            format!("none for {} s", server.deadlines().start().as_secs_f64()),
        )),
    }
}

fn refuses(status: ExitStatus) -> Finding {
    Finding::info(
        "two passed listeners served",
        format!("the server refuses to start: {}", describe_exit(status)),
    )
}

fn passed(server: &mut Server, listeners: ListenerOptions) -> Result<Server, LaunchError> {
    server.launch_another(LaunchOptions { listeners, ..server.options() })
}

fn not_launched(error: &LaunchError) -> Finding {
    match error {
        LaunchError::Interrupted => Finding::interrupted(),
        _ => Finding::broken("one more server", error.to_string()),
    }
}

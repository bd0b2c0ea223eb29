//! What is agreed about passed sockets: whose they are, how many, and in which state.

use std::process::ExitStatus;
use std::time::Duration;

use crate::check::{self, Finding};
use crate::checks::load::idle::rests;
use crate::checks::talk::Talker;
use crate::checks::{Check, talk};
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::{Conditions, LaunchError, Passing, Server, describe};
use crate::transport::{Address, Capabilities, ConnectOptions};

pub const OF_ANOTHER: Check = Check {
    id: "fd/listen-pid-of-another",
    level: Should,
    says: "sockets that LISTEN_PID says are meant for another process are left alone",
    why: "the variables are inherited: a program that is started by the process they were meant for takes its clients away",
    cites: &["sd_listen_fds(3)"],
    recipe: "launch it with a listener as descriptor 3, LISTEN_FDS=1 and LISTEN_PID=1, and send from a client: the server ends, or never answers",
    needs: Capabilities::PASSED_LISTENER,
    run: meant_for_another,
};

pub const NONBLOCKING: Check = Check {
    id: "fd/nonblocking-listener",
    level: Should,
    says: "a passed listener that has O_NONBLOCK set is served, and waited for without spinning",
    why: "accept(2) gives EAGAIN while no client waits: taken for a failure it ends the service, tried again at once it burns a core",
    cites: &["systemd.service(5) (NonBlocking=)", "accept(2) (EAGAIN)"],
    recipe: "launch it with a listener that has O_NONBLOCK set; a client exchanges and leaves; count its processor time as in load/idle; another client exchanges",
    needs: Capabilities::PASSED_LISTENER,
    run: nonblocking,
};

pub const EVERY_LISTENER: Check = Check {
    id: "fd/serves-every-listener",
    level: Should,
    says: "of two listening sockets passed, both are served, or the server refuses to start",
    why: "clients of the second connect, because somebody listens for the server, and wait for ever",
    cites: &["sd_listen_fds(3)", "systemd.socket(5) (ListenStream=)"],
    recipe: "launch it with listeners as descriptors 3 and 4 and LISTEN_FDS=2; a client of each exchanges",
    needs: Capabilities::PASSED_LISTENER,
    run: every_listener,
};

fn meant_for_another(server: &mut Server) -> check::Result {
    let mut other = match passed(server, Passing { to_another: true, ..Passing::default() }) {
        Err(LaunchError::Ended { .. }) => return Ok(()),
        launched => launched.map_err(|error| not_launched(&error))?,
    };
    let mut client = talk::connect(&mut other)?;
    client.send(b"not for you")?;
    match hears_or_ends(&mut other, &mut client)? {
        Some(Sign::Heard) => Err(Finding::fail(
            "no service on a socket that is meant for process 1 (LISTEN_PID=1)",
            "its client is served",
        )),
        _ => Ok(()),
    }
}

/// What shows how a server has taken its sockets.
enum Sign {
    Heard,
    Ended(ExitStatus),
}

/// Ends early where either is seen; that neither comes can be known only by waiting for longer than a start takes.
fn hears_or_ends(server: &mut Server, client: &mut Talker) -> check::Result<Option<Sign>> {
    until(server.deadlines().no_progress(), || {
        if client.hears_within(Duration::ZERO)? {
            return Ok(Some(Sign::Heard));
        }
        Ok(server.instance()?.ended().map(Sign::Ended))
    })
}

const CAUSE: &str = "the listener has O_NONBLOCK set";

fn nonblocking(server: &mut Server) -> check::Result {
    let mut other = match passed(server, Passing { nonblocking: true, ..Passing::default() }) {
        Err(error @ LaunchError::Ended { .. }) => {
            let wanted = "a server that starts with a listener that has O_NONBLOCK set";
            return Err(Finding::fail(wanted, error.to_string()).because(CAUSE));
        }
        launched => launched.map_err(|error| not_launched(&error))?,
    };
    let waits = |server: &Server| rests(server, "while it waits for a client");
    let served = alone(&mut other).and_then(|()| waits(&other)).and_then(|()| alone(&mut other));
    served.map_err(|finding| other.diagnose(finding).because(CAUSE))
}

/// A client that is there alone: before it and after it accept(2) has nobody to give.
fn alone(server: &mut Server) -> check::Result {
    let offers = server.spec().offers();
    talk::answered(server)?.finish(offers)
}

fn every_listener(server: &mut Server) -> check::Result {
    let mut other = match passed(server, Passing { second: true, ..Passing::default() }) {
        Err(LaunchError::Ended { status, .. }) if !status.success() => return Err(refuses(status)),
        launched => launched.map_err(|error| not_launched(&error))?,
    };
    let second = other.second_address().cloned();
    let second = second.ok_or_else(|| Finding::broken("a second listener", "there is none"))?;
    for address in [other.address().clone(), second] {
        visit(&mut other, &address)?;
    }
    Ok(())
}

fn visit(server: &mut Server, address: &Address) -> check::Result {
    let approach = ConnectOptions { address: Some(address.clone()), ..ConnectOptions::default() };
    let mut client = talk::connect_as(server, &approach)?;
    client.send(b"here")?;
    match hears_or_ends(server, &mut client)? {
        Some(Sign::Heard) => {
            client.expect(b"here")?;
            client.finish(server.spec().offers())
        }
        // Whoever wants one socket alone may say so and end: then nobody is left waiting unawares.
        Some(Sign::Ended(status)) if !status.success() => Err(refuses(status)),
        _ => Err(Finding::timeout(
            format!("an answer from {address}, one of two passed listeners"),
            format!("none for {} s", server.deadlines().no_progress().as_secs_f64()),
        )),
    }
}

fn refuses(status: ExitStatus) -> Finding {
    Finding::info("two passed listeners served", format!("it refuses to start: {}", describe(status)))
}

fn passed(server: &Server, passing: Passing) -> Result<Server, LaunchError> {
    server.another_under(Conditions { passing, ..Conditions::default() })
}

fn not_launched(error: &LaunchError) -> Finding {
    match error {
        LaunchError::Interrupted => Finding::interrupted(),
        _ => Finding::broken("one more server", error.to_string()),
    }
}

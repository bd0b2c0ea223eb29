//! Which built-in protocol a server speaks, found by trying.

use std::ffi::OsString;

use crate::checks::all_checks;
use crate::deadline::Deadlines;
use crate::outcome::Outcome;
use crate::protocol::Protocol;
use crate::runner::{Event, RunOptions, run_checks};
use crate::server::{LaunchError, LaunchOptions, Rehearsal, Setup, Spec, Start};
use crate::transport::{Address, Capabilities, Transport};

/// A protocol that a server speaks.
#[derive(Debug)]
pub(super) struct Fit {
    pub protocol: &'static str,
    /// The properties of the server that the rehearsal found; `None` for an echo server.
    pub rehearsal: Option<Rehearsal>,
}

/// The protocols to try with a server that listens, in this order. `discard` is not among them, because every server
/// that is silent would fit.
const OF_LISTENERS: [&str; 14] = [
    "echo",
    "http",
    "redis",
    "memcached",
    "smtp",
    "line",
    "dns",
    "ntp",
    "mqtt",
    "postgres",
    "postgres-ssl",
    "beanstalkd",
    "jsonl",
    "daytime",
];

/// The protocols to try with a server on standard input and output. An echo server comes first: it would send the
/// messages of the others back.
const OF_STDIO: [&str; 6] = ["echo", "mcp", "lsp", "jsonl", "line", "co-process"];

/// Returns the first protocol that the server of `command` speaks over `transport`.
///
/// # Errors
/// [`LaunchError`] if the command does not fit the transport, or the run was interrupted.
pub(super) fn fitting_protocol(
    transport: &'static Transport,
    command: &[OsString],
    fixed: Option<&Address>,
    deadlines: Deadlines,
) -> Result<Option<Fit>, LaunchError> {
    let setup = Setup { fixed_address: fixed.cloned(), ..Setup::default() };
    let spec = Spec::with_setup(transport, Start::Bind, command.iter().cloned(), setup)?;
    let mut names = if transport.is_inherited() { OF_STDIO.to_vec() } else { OF_LISTENERS.to_vec() };
    names.reverse();
    while let Some(name) = names.pop() {
        match rehearse(&spec, name, deadlines) {
            Ok(Some(rehearsal)) => return Ok(Some(Fit { protocol: name, rehearsal })),
            Err(LaunchError::Interrupted) => return Err(LaunchError::Interrupted),
            Ok(None) => {}
            Err(error) => {
                if let Some(place) = names.iter().position(|name| suggests(&error, name)) {
                    let likely = names.remove(place);
                    names.push(likely);
                }
            }
        }
    }
    Ok(None)
}

/// Whether the rehearsal that failed with `error` suggests the protocol `name`.
fn suggests(error: &LaunchError, name: &str) -> bool {
    let LaunchError::Rehearsal(text) = error else { return false };
    text.split_once("try --protocol ").is_some_and(|(_, rest)| rest.split_whitespace().next() == Some(name))
}

/// Returns what a rehearsal of the protocol `name` finds, or `None` if the server does not speak it.
fn rehearse(spec: &Spec, name: &str, deadlines: Deadlines) -> Result<Option<Option<Rehearsal>>, LaunchError> {
    let Ok(protocol) = Protocol::built_in(name) else { return Ok(None) };
    let is_echo = protocol.replies_equal_requests();
    let Ok(spec) = spec.clone().speaking(protocol) else { return Ok(None) };
    let options = RunOptions {
        launch: LaunchOptions { deadlines, ..LaunchOptions::default() },
        protocol_is_assumed: is_echo,
        jobs: 1,
        ..RunOptions::default()
    };
    let stream = spec.transport().capabilities.contains(Capabilities::STREAM);
    let wanted = if stream { "echo/one-byte" } else { "echo/message-boundaries" };
    let checks: Vec<_> = all_checks().filter(|check| is_echo && check.id == wanted).collect();
    let mut found = None;
    let results = run_checks(&spec, &checks, &options, |event| {
        if let Event::Started(spec, _) = event {
            found = Some(spec.rehearsal().cloned());
        }
    })?;
    Ok(found.filter(|_| results.iter().all(|result| result.outcome == Outcome::Pass)))
}

//! Why a server could not be launched, in words that say how to mend it.

use std::io;
use std::process::ExitStatus;

use thiserror::Error;

/// A server could not be launched. Says nothing about how it would have behaved.
#[derive(Debug, Error)]
pub enum LaunchError {
    /// No command was given.
    #[error("no server command given: write it after --, for example: -- ./my-server {{addr}}")]
    NoCommand,
    /// No transport has this name.
    #[error("no transport is called {0}")]
    NoTransport(String),
    /// No way of starting has this name.
    #[error("no way of starting is called {0}; there are bind, listen-fds and inetd")]
    NoStart(String),
    /// The command has no place for the address.
    #[error(
        "the command has no place for the address: put {wanted} where it belongs in: {command}; or put it into --env or a file of \
         --write, or name a fixed address with --addr"
    )]
    NoPlaceholder {
        /// The transport asked for.
        transport: &'static str,
        /// The placeholders it knows.
        wanted: String,
        /// The command as given.
        command: String,
    },
    /// The command has a place for an address, and there is none.
    #[error(
        "{transport} has no address: the server speaks through its standard input and output; take {stray} out"
    )]
    StrayPlaceholder {
        /// The transport asked for.
        transport: &'static str,
        /// What stands in the command.
        stray: &'static str,
    },
    /// This transport cannot be started that way.
    #[error(
        "{transport} has no connections to pass: --start {start} works with tcp, unix and unix-seqpacket"
    )]
    StartMismatch {
        /// The transport asked for.
        transport: &'static str,
        /// The way of starting asked for.
        start: &'static str,
    },
    /// Another process already listens on the server's fixed address.
    #[error("another process already listens on {address}: end it first, or give --addr another address")]
    AddressInUse {
        /// The fixed address.
        address: String,
    },
    /// The program could not be executed.
    #[error("cannot run {program}: {}", spawn_advice(.error))]
    Spawn {
        /// The program.
        program: String,
        /// What the system said.
        error: io::Error,
    },
    /// The server says that this system lacks its mechanism (exit status 77).
    #[error("the server says that it cannot work here: {output}")]
    Unsupported {
        /// What it printed.
        output: String,
    },
    /// The server ended before it was ready.
    #[error("the server ended before it was ready ({}){}", describe(*.status), quote(.output))]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// What it printed last.
        output: String,
    },
    /// The process that was launched ended and left others that go on: the server is a daemon.
    #[error(
        "the server has gone into the background: the process that was launched has ended ({}), and {others} is left; \
         start it in the foreground", describe(*.status)
    )]
    Daemonised {
        /// How the launched process ended.
        status: ExitStatus,
        /// Who goes on.
        others: String,
    },
    /// The server did not become ready in time.
    #[error("the server is not ready after {seconds} s: {missing}{}{}", quote(.output), indent(.state))]
    NotReady {
        /// How long was waited.
        seconds: f64,
        /// What should have appeared.
        missing: String,
        /// Where its processes stand; empty where the system does not tell.
        state: String,
        /// What it printed last.
        output: String,
    },
    /// The harness itself could not prepare the launch.
    #[error("the harness could not prepare the launch: {0}")]
    Harness(#[source] io::Error),
    /// The user ended the run.
    #[error("interrupted")]
    Interrupted,
}

fn spawn_advice(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such program; give its path, or a name that is in PATH".into(),
        io::ErrorKind::PermissionDenied => "permission denied; is it executable?".into(),
        _ => error.to_string(),
    }
}

fn quote(output: &str) -> String {
    if output.trim().is_empty() {
        return "; it printed nothing".into();
    }
    output.lines().fold("; it printed:".to_owned(), |text, line| text + "\n    " + line)
}

fn indent(lines: &str) -> String {
    lines.lines().map(|line| format!("\n    {line}")).collect()
}

/// `exit status 1`, or `signal 9 (SIGKILL)`.
#[must_use]
pub fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(number)) => {
            let name = nix::sys::signal::Signal::try_from(number).map_or("unknown", |signal| signal.as_str());
            format!("signal {number} ({name})")
        }
        (None, None) => status.to_string(),
    }
}

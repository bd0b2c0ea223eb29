//! Why a server could not be launched, with advice.

use std::fmt;
use std::io;
use std::process::ExitStatus;

/// The reason why a server could not be launched. This says nothing about how it would have behaved.
#[derive(Debug)]
#[non_exhaustive]
pub enum LaunchError {
    /// The server's command is empty.
    NoCommand,
    /// The user named a transport that does not exist.
    NoTransport(String),
    /// The user named a way of starting that does not exist.
    NoStart(String),
    /// The server's command has no placeholder for the address.
    NoPlaceholder {
        /// The name of the transport that the user asked for.
        transport: &'static str,
        /// The placeholders that the server's command can have for the transport.
        wanted: String,
        /// The server's command as the user gave it.
        command: String,
    },
    /// The server's command has a placeholder for an address, but the transport has no address.
    StrayPlaceholder {
        /// The name of the transport that the user asked for.
        transport: &'static str,
        /// The placeholder in the command for which the transport has no value.
        stray: &'static str,
    },
    /// The way of starting passes a socket to the server, but the transport has no such socket to pass.
    StartMismatch {
        /// The name of the transport that the user asked for.
        transport: &'static str,
        /// The name of the way of starting that the user asked for.
        start: &'static str,
    },
    /// The server's protocol does not run over the transport.
    ProtocolMismatch {
        /// The name of the server's protocol.
        protocol: String,
        /// The name of the transport that the user asked for.
        transport: &'static str,
    },
    /// The server does not speak its protocol, so that no check can send it a request.
    Rehearsal(String),
    /// Another process already listens on the server's fixed address.
    AddressInUse {
        /// The fixed address that another process uses.
        address: String,
    },
    /// The server's program could not be executed.
    Spawn {
        /// The program that could not be executed.
        program: String,
        /// The system's error when the program was executed.
        error: io::Error,
    },
    /// The server reports that this system lacks its mechanism (exit status 77).
    Unsupported {
        /// The text that the server printed before it exited.
        output: String,
    },
    /// The server exited before it was ready for clients.
    Ended {
        /// The exit status of the server, which was not yet ready.
        status: ExitStatus,
        /// The last lines that the server printed before it exited.
        output: String,
    },
    /// The launched process exited and left other processes running: the server is a daemon.
    Daemonised {
        /// The exit status of the launched process of the daemon.
        status: ExitStatus,
        /// The processes that continue to run after the launched process has exited.
        others: String,
    },
    /// The server did not become ready in time.
    NotReady {
        /// The number of seconds that the harness waited for the server to become ready.
        seconds: f64,
        /// The event that the harness waited for in vain.
        missing: String,
        /// The state of the server's processes; empty where the system does not tell.
        state: String,
        /// The last lines that the server printed.
        output: String,
    },
    /// The server was not ready when the harness gave up, and had waited most of the time for a processor.
    #[non_exhaustive]
    Starved {
        /// The number of seconds that the harness waited for the server to become ready.
        seconds: f64,
        /// The event that the harness waited for in vain.
        missing: String,
        /// The state of the server's processes; empty where the system does not tell.
        state: String,
        /// The last lines that the server printed.
        output: String,
    },
    /// This machine lacks something without which no check says anything about the server.
    #[non_exhaustive]
    MissingRequirement {
        /// The name of the requirement, as `echospec doctor` lists it.
        name: &'static str,
        /// The state of this machine that does not meet the requirement.
        found: String,
        /// The advice on how to meet the requirement.
        help: &'static str,
    },
    /// Servers of the transport have no address at which one could be running already.
    NoAddress {
        /// The name of the transport that the user asked for.
        transport: &'static str,
    },
    /// No running server accepts connections at the address that the user gave.
    Unreachable {
        /// The address of the running server.
        address: String,
        /// The system's error when the harness connected to the running server.
        problem: String,
    },
    /// The process that the user named does not listen at the address of the running server.
    NotItsProcess {
        /// The number of the process that the user named.
        pid: i32,
        /// The address of the running server.
        address: String,
        /// The reason why the process cannot be that of the running server.
        problem: String,
    },
    /// The harness itself could not prepare the launch of the server.
    Harness(io::Error),
    /// The user interrupted the run.
    Interrupted,
}

impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LaunchError::NoCommand => {
                f.write_str("no server command given: write it after --, for example: -- ./my-server {addr}")
            }
            LaunchError::NoTransport(name) => write!(f, "no transport is called {name}"),
            LaunchError::NoStart(name) => {
                write!(f, "no way of starting is called {name}; there are bind, listen-fds and inetd")
            }
            LaunchError::NoPlaceholder { wanted, command, .. } => write!(
                f,
                "the command has no place for the address: put {wanted} where it belongs in: {command}; or put it \
                 into --env or a file of --write, or name a fixed address with --addr"
            ),
            LaunchError::StrayPlaceholder { transport, stray } => write!(
                f,
                "{transport} has no address: the server speaks through its standard input and output; \
                 take {stray} out"
            ),
            LaunchError::StartMismatch { transport, start } => write!(
                f,
                "{transport} has no connections to pass: --start {start} works with tcp, unix and unix-seqpacket"
            ),
            LaunchError::ProtocolMismatch { protocol, transport } => write!(
                f,
                "the protocol {protocol} does not run over {transport}; `echospec protocols` shows what each runs over"
            ),
            LaunchError::Rehearsal(text) => f.write_str(text),
            LaunchError::AddressInUse { address } => write!(
                f,
                "another process already listens on {address}: end it first, or give --addr another address"
            ),
            LaunchError::Spawn { program, error } => write!(f, "cannot run {program}: {}", advice(error)),
            LaunchError::Unsupported { output } => {
                write!(f, "the server says that it cannot work here: {output}")
            }
            LaunchError::Ended { status, output } => {
                write!(
                    f,
                    "the server ended before it was ready ({}){}",
                    describe_exit(*status),
                    quote(output)
                )
            }
            LaunchError::Daemonised { status, others } => write!(
                f,
                "the server has gone into the background: the process that was launched has ended ({}), and \
                 {others} is left; start it in the foreground",
                describe_exit(*status)
            ),
            LaunchError::NotReady { seconds, missing, state, output } => write!(
                f,
                "the server is not ready after {seconds} s: {missing}{}{}",
                quote(output),
                indent(state)
            ),
            LaunchError::Starved { seconds, missing, state, output } => write!(
                f,
                "this machine is too busy: for most of {seconds} s the server waited for a processor, and {missing}{}{}",
                quote(output),
                indent(state)
            ),
            LaunchError::MissingRequirement { name, found, help } => {
                write!(f, "limited on this machine: {name}: {found}; help: {help}")
            }
            LaunchError::NoAddress { transport } => {
                write!(f, "{transport} has no address to connect to: give the server's command after --")
            }
            LaunchError::Unreachable { address, problem } => {
                write!(f, "cannot connect to {address}: {problem}; start the server first")
            }
            LaunchError::NotItsProcess { pid, address, problem } => {
                write!(f, "process {pid} does not listen on {address}: {problem}")
            }
            LaunchError::Harness(error) => write!(f, "the harness could not prepare the launch: {error}"),
            LaunchError::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for LaunchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LaunchError::Harness(error) => Some(error),
            _ => None,
        }
    }
}

fn advice(error: &io::Error) -> String {
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

/// Describes how a process exited: `exit status 1`, or `signal 9 (SIGKILL)`.
#[must_use]
pub fn describe_exit(status: ExitStatus) -> String {
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

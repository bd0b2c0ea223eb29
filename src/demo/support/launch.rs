//! Launches the bundled programs and shells that demos show.

use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::check::{self, Finding, OrFinding};
use crate::deadline::{Deadlines, until};
use crate::diagram::cannot_read;
use crate::server::{Instance, LaunchError, LaunchOptions, Server, Spec, Start, bundled_program};
use crate::sys;
use crate::transport::Transport;

/// Returns the path of a program that is bundled with echospec.
pub fn program_path(name: &str) -> check::Result<PathBuf> {
    bundled_program(OsStr::new(name)).ok_or_else(|| {
        Finding::broken(format!("the bundled program {name}"), "it is not in the directory of echospec")
    })
}

/// Launches a bundled server and waits until it is ready.
pub fn launch_server(name: &str, transport: &str, deadlines: Deadlines) -> check::Result<Server> {
    launch_spec(name, &server_spec(name, transport, Start::Bind)?, deadlines)
}

/// Launches a bundled server by way of another command, such as env(1), and waits until it is ready.
pub fn launch_server_with(
    prefix: &[&str],
    name: &str,
    transport: &str,
    deadlines: Deadlines,
) -> check::Result<Server> {
    let spec = server_spec(name, transport, Start::Bind)?;
    launch_spec(name, &spec.wrapped_in(prefix.iter().copied()), deadlines)
}

/// Returns the specification of a bundled server.
pub fn server_spec(name: &str, transport: &str, start: Start) -> check::Result<Spec> {
    let known = Transport::named(transport);
    let transport = known.ok_or_else(|| Finding::broken(format!("the transport {transport}"), "unknown"))?;
    let placeholders = if start == Start::Bind { transport.placeholders } else { &[] };
    let address = placeholders.iter().take(1).map(Into::into);
    let command = std::iter::once(program_path(name)?.into_os_string()).chain(address);
    Spec::new(transport, start, command).map_err(|error| launch_failed(name, &error))
}

/// Launches the server that `spec` describes and waits until it is ready.
pub fn launch_spec(name: &str, spec: &Spec, deadlines: Deadlines) -> check::Result<Server> {
    Server::launch(spec, LaunchOptions { deadlines, ..LaunchOptions::default() })
        .map_err(|error| launch_failed(name, &error))
}

/// Launches a program with these standard descriptors 0, 1 and 2, as [`Instance::start`] does.
pub fn launch_program(
    program: impl Into<OsString>,
    arguments: &[OsString],
    stdio: [Option<OwnedFd>; 3],
) -> check::Result<Instance> {
    let program = program.into();
    let name = program.to_string_lossy().into_owned();
    Instance::start([&[program], arguments].concat(), stdio).map_err(|error| launch_failed(&name, &error))
}

/// Launches /bin/sh with a script. `$1`, `$2` … are the `arguments`.
pub fn launch_shell(
    script: &'static str,
    arguments: &[OsString],
    stdio: [Option<OwnedFd>; 3],
) -> check::Result<Instance> {
    let words = ["-c", script, "sh"].map(OsString::from).into_iter().chain(arguments.iter().cloned());
    launch_program("/bin/sh", &words.collect::<Vec<_>>(), stdio)
}

/// Waits until `parent` has `number` children that execute `program`, and returns them.
pub fn wait_for_children(
    parent: Pid,
    program: &str,
    number: usize,
    deadlines: Deadlines,
) -> check::Result<Vec<Pid>> {
    let executes =
        |pid: Pid| sys::executable(pid).is_some_and(|path| path.file_name() == Some(OsStr::new(program)));
    let mut seen = 0;
    let found = until(deadlines.start(), || {
        let children = sys::children(parent).map_err(|error| cannot_read("a list of children", &error))?;
        let pids: Vec<_> = children.iter().map(|child| child.pid).filter(|&pid| executes(pid)).collect();
        seen = pids.len();
        Ok((seen == number).then_some(pids))
    })?;
    found.ok_or_else(|| {
        let expected = format!("{number} processes of {program} that keep running, launched by the shell");
        Finding::fail(expected, format!("{seen} of them"))
    })
}

/// Sends `signal` to a process that the demo has launched.
pub fn send_signal(pid: Pid, signal: Signal) -> check::Result {
    kill(pid, signal).or_broken(format!("{signal} sent"))
}

/// Returns the address of a demo's server that listens on a TCP port.
pub fn tcp_address(server: &Server) -> check::Result<SocketAddr> {
    server.address().inet().ok_or_else(|| Finding::broken("a port", server.address().to_string()))
}

/// Converts the error of a failed launch into a finding.
pub fn launch_failed(name: &str, error: &LaunchError) -> Finding {
    match error {
        LaunchError::Interrupted => Finding::interrupted(),
        LaunchError::Unsupported { output } => Finding::unsupported(name, output),
        other => Finding::broken(format!("{name} running"), other.to_string()),
    }
}

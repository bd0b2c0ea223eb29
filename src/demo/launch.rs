//! The bundled programs on stage.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::picture::unseen;
use crate::os;
use crate::patience::{Patience, until};
use crate::server::{Instance, LaunchError, Server, Spec, Start, bundled};
use crate::transport::Transport;
use crate::verdict::{Finding, Verdict};

/// The bundled program called `name`.
pub(super) fn program(name: &str) -> Verdict<PathBuf> {
    bundled(OsStr::new(name)).ok_or_else(|| {
        Finding::broken(format!("the bundled program {name}"), "it does not stand beside this program")
    })
}

/// The bundled server called `name`, launched and ready.
pub(super) fn server(name: &str, transport: &str, patience: Patience) -> Verdict<Server> {
    server_by(&[], name, transport, patience)
}

/// The same, by way of another program with its arguments, such as env(1).
pub(super) fn server_by(by: &[&str], name: &str, transport: &str, patience: Patience) -> Verdict<Server> {
    let known = Transport::named(transport);
    let transport = known.ok_or_else(|| Finding::broken(format!("the transport {transport}"), "unknown"))?;
    let address = transport.placeholders.iter().take(1).map(Into::into);
    let by = by.iter().map(OsString::from);
    let command = by.chain([program(name)?.into_os_string()]).chain(address);
    let spec = Spec::new(transport, Start::Bind, command);
    spec.and_then(|spec| Server::launch(&spec, patience, 0)).map_err(|error| unlaunched(name, &error))
}

/// A program with its descriptors 0, 1 and 2, as [`Instance::with_stdio`] says.
pub(super) fn launch(
    program: impl Into<OsString>,
    arguments: &[OsString],
    stdio: [Option<OwnedFd>; 3],
) -> Verdict<Instance> {
    let program = program.into();
    let name = program.to_string_lossy().into_owned();
    Instance::with_stdio((program, arguments.to_vec()), stdio).map_err(|error| unlaunched(&name, &error))
}

/// The system's own shell with a script of ours, in which `$1`, `$2` … are the `arguments`.
pub(super) fn shell(
    script: &'static str,
    arguments: &[OsString],
    stdio: [Option<OwnedFd>; 3],
) -> Verdict<Instance> {
    let words = ["-c", script, "sh"].map(OsString::from).into_iter().chain(arguments.iter().cloned());
    launch("/bin/sh", &words.collect::<Vec<_>>(), stdio)
}

/// The children of `parent` that execute `program`, once there are `number` of them.
pub(super) fn commands(parent: Pid, program: &str, number: usize, patience: Patience) -> Verdict<Vec<Pid>> {
    let runs_it =
        |pid: Pid| os::program(pid).is_some_and(|path| path.file_name() == Some(OsStr::new(program)));
    let found = until(patience.start(), || {
        let children = os::children(parent).map_err(|error| unseen("a list of children", &error))?;
        let pids: Vec<_> = children.iter().map(|child| child.pid).filter(|&pid| runs_it(pid)).collect();
        Ok((pids.len() == number).then_some(pids))
    })?;
    found.ok_or_else(|| Finding::fail(format!("{number} of {program}, launched by the shell"), "it has not"))
}

/// Sends `signal` to a process that an [`Instance`] of ours has launched.
pub(super) fn send(pid: Pid, signal: Signal) -> Verdict {
    kill(pid, signal).map_err(|error| Finding::broken(format!("{signal} sent"), error.to_string()))
}

/// A launch that failed, as a finding.
pub(super) fn unlaunched(name: &str, error: &LaunchError) -> Finding {
    match error {
        LaunchError::Interrupted => Finding::interrupted(),
        LaunchError::Unsupported { output } => Finding::unsupported(name, output),
        other => Finding::broken(format!("{name} running"), other.to_string()),
    }
}

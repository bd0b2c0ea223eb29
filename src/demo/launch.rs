//! The bundled programs on stage.

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::patience::Patience;
use crate::server::{LaunchError, Server, Spec, Start, bundled};
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
    let known = Transport::named(transport);
    let transport = known.ok_or_else(|| Finding::broken(format!("the transport {transport}"), "unknown"))?;
    let address = transport.placeholders.iter().take(1).map(Into::into);
    let command = std::iter::once(program(name)?.into_os_string()).chain(address);
    let spec = Spec::new(transport, Start::Bind, command);
    spec.and_then(|spec| Server::launch(&spec, patience, 0)).map_err(|error| unlaunched(name, &error))
}

/// A launch that failed, as a finding.
pub(super) fn unlaunched(name: &str, error: &LaunchError) -> Finding {
    match error {
        LaunchError::Interrupted => Finding::interrupted(),
        LaunchError::Unsupported { output } => Finding::unsupported(name, output),
        other => Finding::broken(format!("{name} running"), other.to_string()),
    }
}

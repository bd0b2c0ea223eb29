//! A server specification with what the rehearsal found.

use super::{RunOptions, identify, pace, rehearsal};
use crate::server::{LaunchError, Server, Spec};

/// Returns `spec` with everything that a rehearsal finds, as [`run_checks`](super::run_checks) does before its checks. If
/// the server does not start, `spec` stays as it is, and a check shows why.
///
/// # Errors
/// [`LaunchError::Rehearsal`] if the server does not speak its protocol.
#[cfg(feature = "cli")]
pub(crate) fn rehearse(spec: &Spec, options: &RunOptions) -> Result<Spec, LaunchError> {
    let _supervision = super::supervise(spec, options);
    let rehearsed = Server::launch(spec, options.launch.clone())
        .and_then(|server| rehearsed(spec, server, options).map(|(spec, _)| spec));
    match rehearsed {
        Err(error @ LaunchError::Rehearsal(_)) => Err(error),
        other => Ok(other.unwrap_or_else(|_| spec.clone())),
    }
}

/// Returns `spec` with everything that a rehearsal with `server`, before any check, finds, and whether the server lets
/// each client wait, or takes its time to end.
pub(super) fn rehearsed(
    spec: &Spec,
    mut server: Server,
    options: &RunOptions,
) -> Result<(Spec, bool), LaunchError> {
    let at_once = options.protocol_is_assumed && identify::expect_echo_server(&mut server)?;
    let found = rehearsal::rehearse(&mut server)?;
    let waits = !at_once && pace::waits_before_answers(&mut server) || pace::waits_before_its_end(server);
    let Some((rehearsal, lacks)) = found else { return Ok((spec.clone(), waits)) };
    Ok((lacks.into_iter().fold(spec.clone(), Spec::with_missing).with_rehearsal(rehearsal), waits))
}

//! Launches of the server's command during a check, and the finding about one that fails.
//!
//! The server has been ready before. It is at fault if it exits or hangs where it usually becomes ready. A machine that is
//! slow, or gives the server no processor, is not the server's fault: then the harness is broken.

use std::time::{Duration, Instant};

use super::{LaunchError, LaunchOptions, Server};
use crate::check::{self, Finding};
use crate::deadline::Deadlines;
use crate::outcome::Outcome;

/// The part of the deadline for a start that a usual start takes at most where the deadline is long enough to tell a
/// hang.
const AMPLE: u32 = 4;

/// The way in which the server starts now with its usual options.
pub(crate) enum UsualStart {
    /// The server is ready long before the deadline.
    Prompt,
    /// The server takes long. A start that takes more than the given time differs from this one.
    Slow(Duration),
    /// The server exits, for the given reason: it cannot run twice.
    Exits(String),
    /// The server does not become ready, for the given reason.
    Fails(String),
}

impl Server {
    /// Launches the server's command again with `options`, which may keep a faulty server from starting. `wanted`
    /// describes such a start in a report.
    ///
    /// # Errors
    /// A failure or a timeout if the server exits or hangs with `options`, and becomes ready without them. A broken harness
    /// if the machine is too slow to tell; *unsupported* if the server cannot run twice.
    pub(crate) fn launch_under(&mut self, options: LaunchOptions, wanted: &str) -> check::Result<Server> {
        let error = match self.launch_another(options.clone()) {
            Ok(server) => return Ok(server),
            Err(error @ (LaunchError::Ended { .. } | LaunchError::NotReady { .. })) => error,
            Err(error) => return Err(finding(&error, wanted)),
        };
        match (self.usual_start()?, &error) {
            (UsualStart::Exits(usual), LaunchError::Ended { .. }) => Err(runs_only_once(usual)),
            (UsualStart::Exits(usual) | UsualStart::Fails(usual), LaunchError::NotReady { .. }) => {
                Err(Finding::broken(wanted, error.to_string()).because(format!("nor without that: {usual}")))
            }
            (UsualStart::Slow(limit), LaunchError::NotReady { .. }) => {
                self.launch_slowly(options, limit, wanted)
            }
            _ => Err(finding(&error, wanted)),
        }
    }

    /// Launches the server's command with `options`, and lets it take `limit`.
    fn launch_slowly(
        &mut self,
        options: LaunchOptions,
        limit: Duration,
        wanted: &str,
    ) -> check::Result<Server> {
        let usual = options.deadlines;
        let factor = limit.as_secs_f64() / usual.start().as_secs_f64();
        let deadlines = Deadlines::scaled(usual.scale() * factor);
        let launched = self.launch_another(LaunchOptions { deadlines, ..options });
        let mut server = launched.map_err(|error| finding(&error, wanted))?;
        server.options.deadlines = usual;
        Ok(server)
    }

    /// Launches the server's command again as it was launched before. `wanted` describes the start in a report.
    ///
    /// # Errors
    /// A failure if the server exits, and another time becomes ready; *unsupported* if it cannot run twice. A broken
    /// harness if it is not ready in time: it had no reason to hang.
    pub(crate) fn launch_again(&mut self, wanted: &str) -> check::Result<Server> {
        let error = match self.launch_another(self.options()) {
            Ok(server) => return Ok(server),
            Err(error) => error,
        };
        match &error {
            LaunchError::NotReady { .. } => Err(Finding::broken(wanted, error.to_string())),
            LaunchError::Ended { .. } => match self.usual_start()? {
                UsualStart::Exits(usual) => Err(runs_only_once(usual)),
                _ => Err(finding(&error, wanted)),
            },
            _ => Err(finding(&error, wanted)),
        }
    }

    /// Launches the server's command again with `options`, under which a correct server may refuse to start.
    ///
    /// # Errors
    /// *Unsupported*: there is no such server to check.
    pub(crate) fn launch_if_possible(
        &mut self,
        options: LaunchOptions,
        wanted: impl Into<String>,
    ) -> check::Result<Server> {
        self.launch_another(options).map_err(|error| match error {
            LaunchError::Interrupted => Finding::interrupted(),
            error => Finding::unsupported(wanted, error.to_string()),
        })
    }

    /// Kills the server and launches it again on its address.
    ///
    /// # Errors
    /// A failure if it exits. A timeout if it hangs, and becomes ready at another address; a broken harness if it does not.
    pub(crate) fn restart_for_check(&mut self) -> check::Result {
        let wanted = format!("the server started again on {}", self.address());
        let Err(error) = self.restart() else { return Ok(()) };
        let finding = finding(&error, &wanted);
        Err(if finding.outcome == Outcome::Timeout { self.confirm_timeout(finding) } else { finding })
    }

    /// Returns `timeout`, the finding about a server that does not start at some address, if the server starts at another
    /// one long before the deadline. Otherwise the harness is broken, because the machine is too slow to tell.
    pub(crate) fn confirm_timeout(&mut self, timeout: Finding) -> Finding {
        let reason = match self.usual_start_elsewhere() {
            Ok(UsualStart::Prompt) => return timeout,
            Ok(UsualStart::Slow(_)) => "elsewhere it is nearly as slow".to_owned(),
            Ok(UsualStart::Exits(usual) | UsualStart::Fails(usual)) => {
                format!("nor is it elsewhere: {usual}")
            }
            Err(interrupted) => return interrupted,
        };
        Finding { outcome: Outcome::Broken, ..timeout }.because(reason)
    }

    /// Finds out how the server starts at another address, as [`usual_start`](Server::usual_start) does. A server with a
    /// fixed address has no other one: it counts as prompt.
    pub(crate) fn usual_start_elsewhere(&mut self) -> check::Result<UsualStart> {
        if self.spec.setup().fixed_address.is_some() {
            return Ok(UsualStart::Prompt);
        }
        self.usual_start()
    }

    /// Launches the server's command as it was launched before, and finds out how long that takes now.
    fn usual_start(&mut self) -> check::Result<UsualStart> {
        let (began, limit) = (Instant::now(), self.deadlines().start());
        match self.launch_another(self.options()) {
            Err(LaunchError::Interrupted) => Err(Finding::interrupted()),
            Err(error @ LaunchError::Ended { .. }) => Ok(UsualStart::Exits(error.to_string())),
            Err(error) => Ok(UsualStart::Fails(error.to_string())),
            Ok(_) if began.elapsed() <= limit / AMPLE => Ok(UsualStart::Prompt),
            Ok(_) => Ok(UsualStart::Slow((began.elapsed() * AMPLE).max(limit))),
        }
    }
}

fn runs_only_once(usual: String) -> Finding {
    Finding::unsupported("a second start of the server", usual)
}

/// Returns the finding about a server that does not start, and usually does.
fn finding(error: &LaunchError, wanted: &str) -> Finding {
    match error {
        LaunchError::Interrupted => Finding::interrupted(),
        LaunchError::Ended { .. } => Finding::fail(wanted, error.to_string()),
        LaunchError::NotReady { .. } => Finding::timeout(wanted, error.to_string()),
        _ => Finding::broken(wanted, error.to_string()),
    }
}

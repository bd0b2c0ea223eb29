//! How a check is run: by the function that it names, or by a scene.

use crate::check;
use crate::checks::Check;
use crate::server::{LaunchError, LaunchOptions, Server, Spec};

/// The function that a run calls with the launched server of a check.
pub(crate) type Body<'a> = Box<dyn FnOnce(&mut Server) -> check::Result + 'a>;

/// A way to run checks.
pub(crate) trait Procedure: Sync {
    /// Launches the server of `check`, and returns it with the function that checks it.
    ///
    /// # Errors
    /// The reason why the server could not be launched.
    fn prepare(
        &self,
        check: &'static Check,
        spec: &Spec,
        options: LaunchOptions,
    ) -> Result<(Server, Body<'_>), LaunchError>;

    /// Returns the function that runs `check` on a server that an earlier check has left, or `None` if every check has a
    /// server of its own.
    fn resume(&self, _check: &'static Check) -> Option<Body<'_>> {
        None
    }
}

/// The usual way: each check names its function.
pub(super) struct FunctionOfCheck;

impl Procedure for FunctionOfCheck {
    fn prepare(
        &self,
        check: &'static Check,
        spec: &Spec,
        options: LaunchOptions,
    ) -> Result<(Server, Body<'_>), LaunchError> {
        Ok((Server::launch_or_await(spec, &options)?, Box::new(check.run)))
    }

    fn resume(&self, check: &'static Check) -> Option<Body<'_>> {
        Some(Box::new(check.run))
    }
}

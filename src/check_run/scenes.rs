//! Runs scenes in the place of checks.

use crate::checks::Check;
use crate::runner::{Body, Procedure};
use crate::scene::Scene;
use crate::server::{LaunchError, LaunchOptions, Server, Spec};

/// The scenes of a run, each with the value that stands for it in results.
pub(super) struct PlayedScenes<'a>(pub &'a [(&'static Check, Scene)]);

impl Procedure for PlayedScenes<'_> {
    fn prepare(
        &self,
        check: &'static Check,
        spec: &Spec,
        options: LaunchOptions,
    ) -> Result<(Server, Body<'_>), LaunchError> {
        let scene = self.0.iter().find(|(known, _)| std::ptr::eq(*known, check)).map(|(_, scene)| scene);
        let scene =
            scene.ok_or_else(|| LaunchError::Rehearsal(format!("no scene is called {}", check.id)))?;
        let (server, cast) = scene.launch(spec, options)?;
        Ok((server, Box::new(move |server| scene.play(server, cast))))
    }
}

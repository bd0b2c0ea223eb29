//! The steps that change the server.

use nix::sys::signal::Signal;

use super::{SceneBuilder, Step};

/// Writes the steps of the server under test.
#[derive(Debug, Clone, Copy)]
pub struct ServerSteps<'s> {
    pub(super) scene: &'s SceneBuilder,
}

impl<'s> ServerSteps<'s> {
    #[track_caller]
    pub(super) fn step(&self, step: &str) -> Step<'s> {
        self.scene.step(format!("server {step}"))
    }

    /// The launched process of the server gets this signal.
    #[track_caller]
    pub fn gets(&self, signal: Signal) -> Step<'s> {
        self.step(&format!("gets {signal}"))
    }

    /// The server is stopped with SIGSTOP. All that clients do reaches it when it is thawed.
    #[track_caller]
    pub fn is_frozen(&self) -> Step<'s> {
        self.step("is frozen")
    }

    /// The server continues.
    #[track_caller]
    pub fn is_thawed(&self) -> Step<'s> {
        self.step("is thawed")
    }

    /// All processes of the server are killed with SIGKILL.
    #[track_caller]
    pub fn is_killed(&self) -> Step<'s> {
        self.step("is killed")
    }

    /// The server, if it still runs, is killed; it is launched again at its address, and must become ready.
    #[track_caller]
    pub fn is_started_again(&self) -> Step<'s> {
        self.step("is started again")
    }

    /// The harness removes the server's socket file.
    #[track_caller]
    pub fn socket_file_is_removed(&self) -> Step<'s> {
        self.scene.step("socket file is removed")
    }

    /// The harness removes the server's socket file, and listens at its path itself up to the end of the scene.
    #[track_caller]
    pub fn socket_file_is_replaced(&self) -> Step<'s> {
        self.scene.step("socket file is replaced")
    }
}

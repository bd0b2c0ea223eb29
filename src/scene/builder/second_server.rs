//! The steps of a second instance of the server.

use nix::sys::signal::Signal;

use super::{SceneBuilder, Step};

/// Writes the steps of a second instance of the server.
#[derive(Debug, Clone, Copy)]
pub struct SecondServerSteps<'s> {
    pub(super) scene: &'s SceneBuilder,
}

impl<'s> SecondServerSteps<'s> {
    #[track_caller]
    fn step(&self, step: &str) -> Step<'s> {
        self.scene.step(format!("second server {step}"))
    }

    /// A second instance of the server is launched at the same address.
    #[track_caller]
    pub fn starts(&self) -> Step<'s> {
        self.step("starts")
    }

    /// The second instance gets this signal.
    #[track_caller]
    pub fn gets(&self, signal: Signal) -> Step<'s> {
        self.step(&format!("gets {signal}"))
    }

    /// The second instance holds a socket that listens at its address.
    #[track_caller]
    pub fn listens(&self) -> Step<'s> {
        self.step("listens")
    }

    /// The second instance exits with this status.
    #[track_caller]
    pub fn exits_with(&self, status: u8) -> Step<'s> {
        self.step(&format!("exits with {status}"))
    }

    /// This signal ends the second instance.
    #[track_caller]
    pub fn exits_by(&self, signal: Signal) -> Step<'s> {
        self.step(&format!("exits by {signal}"))
    }

    /// The second instance exits with a status other than 0.
    #[track_caller]
    pub fn fails(&self) -> Step<'s> {
        self.step("fails")
    }
}

//! The exits of the server.

use nix::sys::signal::Signal;

use super::{ServerSteps, Step};

impl<'s> ServerSteps<'s> {
    /// The server has not exited.
    #[track_caller]
    pub fn runs(&self) -> Step<'s> {
        self.step("runs")
    }

    /// The server exits, with any status.
    #[track_caller]
    pub fn exits(&self) -> Step<'s> {
        self.step("exits")
    }

    /// The server exits with this status.
    #[track_caller]
    pub fn exits_with(&self, status: u8) -> Step<'s> {
        self.step(&format!("exits with {status}"))
    }

    /// This signal ends the server.
    #[track_caller]
    pub fn exits_by(&self, signal: Signal) -> Step<'s> {
        self.step(&format!("exits by {signal}"))
    }

    /// The server has exited with all its processes, and has left no socket file, queue or shared memory.
    #[track_caller]
    pub fn has_left_nothing(&self) -> Step<'s> {
        self.scene.step("nothing is left")
    }
}

//! The steps that change the server.

use nix::sys::signal::Signal;

use super::{SceneBuilder, Step};

/// Writes the steps of the server under test.
#[derive(Debug, Clone, Copy)]
pub struct ServerSteps<'s> {
    pub(super) scene: &'s SceneBuilder,
}

/// A standard stream that a server writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputStream {
    /// Descriptor 1.
    StandardOutput,
    /// Descriptor 2.
    StandardError,
}

impl OutputStream {
    fn name(self) -> &'static str {
        match self {
            OutputStream::StandardOutput => "standard output",
            OutputStream::StandardError => "standard error",
        }
    }
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

    /// The harness reads the stream no more, and fills its pipe.
    ///
    /// The head of the scene says `standard output pipe`.
    #[track_caller]
    pub fn finds_full(&self, stream: OutputStream) -> Step<'s> {
        self.step(&format!("finds {} full", stream.name()))
    }

    /// The harness closes the read end of standard output or standard error.
    ///
    /// The head of the scene says `standard output pipe`.
    #[track_caller]
    pub fn loses_the_reader_of(&self, stream: OutputStream) -> Step<'s> {
        self.step(&format!("loses the reader of {}", stream.name()))
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

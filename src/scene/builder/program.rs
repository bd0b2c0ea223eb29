//! The steps of a program that runs beside the server.

use nix::sys::signal::Signal;

use super::content::quote;
use super::{ClientSteps, SceneBuilder, Step};

/// Writes the steps of a program that runs beside the server.
#[derive(Debug, Clone, Copy)]
pub struct ProgramSteps<'s> {
    pub(super) scene: &'s SceneBuilder,
    pub(super) name: &'s str,
}

/// Returns the line of the head that names a program.
pub(super) fn line(word: &str, name: &str, command: &[&str]) -> String {
    // A shell's text has no NUL, and neither has a command.
    let command = shlex::try_join(command.iter().copied()).unwrap_or_default();
    format!("{word} {name} = {command}")
}

impl<'s> ProgramSteps<'s> {
    #[track_caller]
    fn step(&self, step: &str) -> Step<'s> {
        self.scene.step(format!("{} {step}", self.name))
    }

    /// Returns the steps of the program's standard streams: `sends` writes to its standard input, `receives` reads its
    /// standard output.
    #[must_use]
    pub fn streams(&self) -> ClientSteps<'s> {
        self.scene.client(self.name)
    }

    /// The program is launched.
    #[track_caller]
    pub fn starts(&self) -> Step<'s> {
        self.step("starts")
    }

    /// The program gets this signal.
    #[track_caller]
    pub fn gets(&self, signal: Signal) -> Step<'s> {
        self.step(&format!("gets {signal}"))
    }

    /// The program has not exited.
    #[track_caller]
    pub fn runs(&self) -> Step<'s> {
        self.step("runs")
    }

    /// The program exits, with any status.
    #[track_caller]
    pub fn exits(&self) -> Step<'s> {
        self.step("exits")
    }

    /// The program exits with this status.
    #[track_caller]
    pub fn exits_with(&self, status: u8) -> Step<'s> {
        self.step(&format!("exits with {status}"))
    }

    /// This signal ends the program.
    #[track_caller]
    pub fn exits_by(&self, signal: Signal) -> Step<'s> {
        self.step(&format!("exits by {signal}"))
    }

    /// The program exits with a status other than 0.
    #[track_caller]
    pub fn fails(&self) -> Step<'s> {
        self.step("fails")
    }

    /// A line on the standard error of the program contains the text.
    #[track_caller]
    pub fn prints(&self, text: &str) -> Step<'s> {
        self.step(&format!("prints {}", quote(text)))
    }
}

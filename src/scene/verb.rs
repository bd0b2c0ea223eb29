//! A verb of the language: its pattern, its description, and what it does.

use super::speaker::Speaker;
use super::stage::Stage;
use super::value::Arguments;
use crate::check;
use crate::transport::Capabilities;

/// A verb: one kind of step.
#[derive(Debug)]
pub(super) struct Verb {
    /// The words of the step. A word in capital letters names a kind of value.
    pub pattern: &'static str,
    /// A description of the step for `docs/scenes.md`.
    pub summary: &'static str,
    /// The capabilities that the server needs for this step.
    pub needs: Capabilities,
    /// Whether the step waits for something, so that `within TIME` may follow it.
    pub waits: bool,
    pub run: Run,
}

/// The function of a verb.
#[derive(Debug, Clone, Copy)]
pub(super) enum Run {
    /// The step is one of a client that speaks the server's protocol, or echo.
    Request(fn(&mut Speaker, &Arguments) -> check::Result),
    /// The step is one of a client that sends and receives bytes as they are.
    Bytes(fn(&mut Speaker, &Arguments) -> check::Result),
    /// The step is one of a client of either kind.
    Client(fn(&mut Speaker, &Arguments) -> check::Result),
    /// The step changes the scene, or looks at the server.
    Stage(fn(&mut Stage<'_>, &Arguments) -> check::Result),
    /// The step closes a client.
    Ends(fn(&mut Stage<'_>, &Arguments) -> check::Result),
}

impl Verb {
    /// Returns a verb that needs nothing special and waits for nothing.
    pub const fn new(pattern: &'static str, summary: &'static str, run: Run) -> Verb {
        Verb { pattern, summary, needs: Capabilities::empty(), waits: false, run }
    }

    /// Returns the verb, changed so that `within TIME` may follow it.
    pub const fn waits(self) -> Verb {
        Verb { waits: true, ..self }
    }

    /// Returns the verb, changed so that its server needs `capabilities`.
    pub const fn needs(self, capabilities: Capabilities) -> Verb {
        Verb { needs: capabilities, ..self }
    }

    /// Returns the words of the verb's pattern.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        self.pattern.split(' ')
    }
}

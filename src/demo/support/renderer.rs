//! The output of a demo, independent of how it is rendered.

use crate::check;
use crate::diagram::Snapshot;

/// One block of a demo's output. A title comes first; then headings, each with paragraphs, diagrams, lines and claims
/// in any order; then the end.
#[derive(Debug, Clone, Copy)]
pub enum Block<'a> {
    /// The title of the demo.
    Title {
        /// Its name on the command line.
        name: &'a str,
        /// One line that says what it shows.
        summary: &'a str,
    },
    /// The heading of a step.
    Heading {
        /// The number of the step, counted from 1.
        number: usize,
        /// Its title.
        title: &'a str,
    },
    /// Text to wrap. Commands stand between backticks.
    Paragraph(&'a str),
    /// Processes and their descriptors.
    Diagram(&'a Snapshot),
    /// Lines of text that keep their columns.
    Lines(&'a [String]),
    /// The claims that were verified since the last block.
    Claims(&'a [String]),
    /// The end of the demo.
    End {
        /// The number of claims that were verified.
        verified: usize,
    },
}

/// Renders the output of a demo.
pub trait Renderer {
    /// Renders one block. May block, to let the reader read.
    ///
    /// # Errors
    /// Interrupted if the reader has gone.
    fn render(&mut self, block: Block<'_>) -> check::Result;
}

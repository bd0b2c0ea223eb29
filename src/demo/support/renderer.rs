//! The output of a demo, independent of how it is rendered.

use crate::check;
use crate::diagram::Snapshot;

/// One block of a demo's output. A title comes first; then headings, each with paragraphs, diagrams, lines and claims
/// in any order; then the end.
#[derive(Debug, Clone, Copy)]
pub enum Block<'a> {
    /// The title of a demo, the first block of its output.
    Title {
        /// The name of the demo that begins, as on the command line.
        name: &'a str,
        /// A one-line summary of what the demo that begins shows.
        summary: &'a str,
    },
    /// The heading of one step of a demo.
    Heading {
        /// The number of a demo's step, counted from 1.
        number: usize,
        /// The title of a demo's step.
        title: &'a str,
    },
    /// A paragraph of a demo's text, to be wrapped. Commands stand between backticks.
    Paragraph(&'a str),
    /// A diagram of a demo, which shows processes and their descriptors.
    Diagram(&'a Snapshot),
    /// Lines of a demo's text that keep their columns.
    Lines(&'a [String]),
    /// The claims about the kernel that the demo has verified since the last block of its output.
    Claims(&'a [String]),
    /// The last block of a demo's output.
    End {
        /// The number of claims that the demo has verified.
        verified: usize,
    },
}

/// Renders the output of a demo.
pub trait Renderer {
    /// Renders one block of a demo. May block, to let the reader read.
    ///
    /// # Errors
    /// Interrupted if the reader has gone.
    fn render(&mut self, block: Block<'_>) -> check::Result;
}

//! What a story is told on: a terminal, a picture.

use super::picture::Picture;
use crate::check;

/// What happens in a story, in this order: it opens; each step has a heading, and then paragraphs, pictures, lines
/// and claims as they come; it closes.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The story begins.
    Opened {
        /// Its name on the command line.
        name: &'a str,
        /// What it shows, in one line.
        about: &'a str,
    },
    /// The next step begins.
    Step {
        /// Counted from 1.
        number: usize,
        /// Its heading.
        title: &'a str,
    },
    /// A paragraph; what stands between backticks is what one would type.
    Told(&'a str),
    /// What the kernel shows.
    Shown(&'a Picture),
    /// Lines that are set as they are to be seen.
    Lines(&'a [String]),
    /// What has been verified since the last event.
    Verified(&'a [String]),
    /// The story is over.
    Closed {
        /// How many claims have been verified in all.
        verified: usize,
    },
}

/// One way to render the events of a story.
pub trait Stage {
    /// Renders one event. May block: a stage can wait for its audience.
    ///
    /// # Errors
    /// Interrupted where nobody looks any more.
    fn play(&mut self, event: Event<'_>) -> check::Result;
}

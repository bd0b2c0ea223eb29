//! The steps of a parsed scene.

use super::place::Place;
use super::value::Values;
use super::verb::Verb;

/// A step of a scene, or a block of steps.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Do(Action),
    /// The steps of a `repeat` block, and the number of rounds.
    Repeat(usize, Block),
    /// The steps of a `for each offset of request` block.
    EachOffset(Block),
    /// The steps of a `together` block, which begin at the same time.
    Together(Block),
}

/// A line of a scene that does one thing.
#[derive(Debug, Clone)]
pub(super) struct Action {
    pub verb: &'static Verb,
    pub values: Values,
    /// Whether the step is a condition of the scene: without it the scene says nothing about the server.
    pub given: bool,
    pub place: Place,
}

/// The steps between the first line of a block and its `end`.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub steps: Vec<Step>,
    /// The place of the first line.
    pub place: Place,
}

//! Places in the files of a scene, for messages.

use std::ops::Range;

/// A place in one of the files of a scene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The number of the file: 0 for the scene itself, and the others for the files that it includes.
    pub file: usize,
    pub span: Range<usize>,
}

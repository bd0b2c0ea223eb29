//! The calls of a program that wrote the lines of a scene, for messages.

use std::panic::Location;

use crate::protocol::FileError;

/// The call that wrote each line of a scene; none for a scene that was read from a file.
#[derive(Debug, Clone, Default)]
pub(in crate::scene) struct Calls(pub Vec<&'static Location<'static>>);

impl Calls {
    /// Returns the name of the place at `line` of `file`, with the call that wrote the line.
    pub fn place(&self, file: &str, line: usize) -> String {
        format!("{}:{line}", self.file(file, line))
    }

    /// Adds the call that wrote the wrong line to an error in the scene `own`.
    pub fn locate(&self, own: &str, mut error: FileError) -> FileError {
        if error.place.file == own {
            error.place.file = self.file(own, error.place.line);
        }
        error
    }

    fn file(&self, file: &str, line: usize) -> String {
        self.0.get(line - 1).map_or_else(|| file.to_owned(), |call| format!("{call} in {file}"))
    }
}

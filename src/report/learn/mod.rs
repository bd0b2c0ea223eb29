//! The learner's report: the checks in the order in which one learns to write a server, and a full explanation of the
//! first that does not pass.

mod steps;
mod text;
mod words;

pub use steps::{START, Step, Task, steps};
pub use text::LearnReport;

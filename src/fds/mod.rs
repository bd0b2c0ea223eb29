//! Inspects running processes: their descriptors, and which process holds the other end of each.

mod diagram;
mod inspect;
mod json;
mod launch;

pub use inspect::{InspectError, Inspection, inspect, with_descendants};
pub use json::JsonInspection;
pub use launch::{Activity, LaunchedCommand};

//! Diagrams of processes and their descriptors: a box for each process, and a line for each object that they share.
//!
//! [`Snapshot::read_from_kernel`] reads processes and their descriptor tables from the kernel. [`text::draw`] draws a
//! snapshot for a terminal, [`svg::draw_boxes`] for a picture.

pub mod svg;
pub mod text;

pub(crate) mod svg_text;

mod labels;
mod lanes;
mod open_files;
mod process;
mod selection;
mod snapshot;

pub use process::{DescriptorRow, ObjectId, Process, ProcessState};
pub use selection::ProcessSelection;
pub(crate) use snapshot::cannot_read;
pub use snapshot::{RowIndex, SharedObject, Snapshot};

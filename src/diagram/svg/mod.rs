//! Draws a snapshot as SVG: a box for each process, and a line for each shared object.

mod boxes;
mod lines;

pub use boxes::{STYLE_SHEET, draw_boxes};
pub use lines::Palette;

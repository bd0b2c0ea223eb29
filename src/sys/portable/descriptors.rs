//! Descriptor tables: `/proc` in the place of libproc.

pub use crate::sys::linux::descriptors::{access_mode, descriptor_count, descriptors, open_file};
pub use crate::sys::unsupported::descriptors::same_open_file;

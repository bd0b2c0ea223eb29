//! Functions of POSIX, the same on every system.

pub mod child_attributes;
pub mod descendants;
pub mod descriptors;
pub mod exit;
pub mod inherited;
pub mod launch_lock;
pub mod limits;
pub mod partner;
pub mod pass_descriptors;
pub mod probe;
pub mod received;
pub mod rings;
pub mod terminal;
pub mod usage;

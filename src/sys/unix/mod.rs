//! Functions that are the same on every system, because POSIX has what they need.

pub mod child_attributes;
pub mod descendants;
pub mod descriptors;
pub mod exit;
pub mod forked_partner;
pub mod launch;
pub mod limits;
pub mod name;
pub mod own_files;
pub mod pass_descriptors;
pub mod permissions;
#[cfg(test)]
mod ring_model;
pub mod shared_rings;
pub mod usage;

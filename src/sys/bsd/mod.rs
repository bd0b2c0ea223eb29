//! Interfaces that macOS and FreeBSD have in common.

pub mod kqueue;
pub mod sysctl;

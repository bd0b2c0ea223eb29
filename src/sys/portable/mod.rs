//! Linux with no more than macOS offers: `--cfg force_portable`.
//!
//! This folder stands in for `macos`, so that the code for macOS runs on Linux. A function that macOS has of its own
//! comes from the folder `linux`, because `/proc` shows what libproc would. All others come from `unsupported`, as in
//! the folder `macos`. `cargo xtask scenarios --only portable` runs the checks with it.

pub mod descriptors;
pub mod process;
pub mod processors;
pub mod signals;
pub mod sockets;
pub mod usage;

pub use crate::sys::linux::{machine, peers};
pub use crate::sys::unsupported::{
    futex, ipc_objects, limits, message_queues, namespaces, packets, pipes, threads, users,
};

#[cfg(feature = "cli")]
pub use crate::sys::linux::system_calls;

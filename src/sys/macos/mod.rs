//! macOS: libproc, kqueue, sysctl.

mod procargs;

pub mod accounts;
pub mod calls;
pub mod credentials;
pub mod machine;
pub mod open_file;
pub mod peers;
pub mod process;
pub mod process_stats;
pub mod processors;
pub mod sockets;

pub use crate::sys::unsupported::{
    futex, io_uring, ipc, ipc_objects, message_queues, occupation, packets, signals, timers,
};

//! macOS: libproc, kqueue, sysctl. See `<libproc.h>`, `<sys/proc_info.h>`, sysctl(3).
//!
//! They show a user only that user's own processes. Comments on unexpected behaviour name the function in XNU's
//! published sources.

pub mod descriptors;
pub mod machine;
pub mod peers;
pub mod process;
pub mod processors;
pub mod signals;
pub mod sockets;
pub mod system_calls;
pub mod threads;
pub mod usage;

mod process_arguments;

pub use crate::sys::unsupported::{
    futex, ipc_objects, limits, message_queues, namespaces, packets, pipes, users,
};

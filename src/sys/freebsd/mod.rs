//! FreeBSD: kqueue, sysctl. `/proc` need not be mounted, so it is not read.

pub mod machine;
pub mod process;
pub mod sockets;

pub use crate::sys::unsupported::{
    descriptors, futex, ipc_objects, limits, message_queues, namespaces, packets, peers, pipes, processors,
    signals, system_calls, threads, usage, users,
};

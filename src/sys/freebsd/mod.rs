//! FreeBSD: kqueue, sysctl. `/proc` need not be mounted, so nothing is read there.

pub mod credentials;
pub mod machine;
pub mod process;

pub use crate::sys::unsupported::{
    accounts, calls, futex, io_uring, ipc, ipc_objects, message_queues, occupation, open_file, packets,
    peers, process_stats, processors, signals, sockets, timers,
};

//! Linux: `/proc`, `/sys`, pidfds, netlink.

mod hardware;
mod sock_diag;
mod unix_table;

pub mod accounts;
#[cfg(feature = "cli")]
pub mod calls;
pub mod credentials;
pub mod futex;
#[cfg(feature = "cli")]
pub mod io_uring;
pub mod ipc;
pub mod ipc_objects;
pub mod machine;
pub mod message_queues;
pub mod occupation;
pub mod open_file;
pub mod packets;
pub mod peers;
pub mod process;
pub mod process_stats;
pub mod processors;
pub mod signals;
pub mod sockets;
pub mod timers;

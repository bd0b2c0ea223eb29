//! Linux: `/proc`, `/sys`, pidfds, netlink.

pub mod descriptors;
pub mod futex;
pub mod ipc_objects;
pub mod limits;
pub mod machine;
pub mod message_queues;
pub mod namespaces;
pub mod packets;
pub mod peers;
pub mod pipes;
pub mod process;
pub mod processors;
pub mod signals;
pub mod sockets;
#[cfg(feature = "cli")]
pub mod system_calls;
pub mod threads;
pub mod usage;
pub mod users;

mod hardware;
mod sock_diag;
mod unix_sockets;

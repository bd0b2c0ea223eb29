//! The contract for a system that offers nothing beyond POSIX.
//!
//! Most functions return [`Unsupported`](std::io::ErrorKind::Unsupported), `None` or an empty list. Other systems
//! re-export from here what they lack. This folder is compiled on every system, so that it always fits the contract.

#![allow(dead_code, unused_imports, reason = "each system uses the parts that it lacks, and Linux uses none")]

use std::io;

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
pub mod system_calls;
pub mod threads;
pub mod usage;
pub mod users;

/// Returns the error `Unsupported` with `reason` as its text.
pub fn unsupported<T>(reason: &str) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, reason))
}

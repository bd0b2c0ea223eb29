//! The contract as a system keeps it that offers nothing: each answer is [`io::ErrorKind::Unsupported`](std::io::ErrorKind),
//! empty, or `None`. Other systems re-export from here what they lack.
//!
//! It is compiled on every system, so that it always fits the contract.

#![allow(dead_code, reason = "each system uses the parts that it lacks, and Linux none")]

pub mod accounts;
pub mod calls;
pub mod credentials;
pub mod futex;
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

/// Returns the error `Unsupported` with `reason` as its text.
pub fn unsupported<T>(reason: &str) -> std::io::Result<T> {
    Err(std::io::Error::new(std::io::ErrorKind::Unsupported, reason))
}

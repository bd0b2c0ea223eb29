//! The types that the contract speaks of, the same on every system.

mod descriptor;
mod descriptor_end;
mod ipc;
mod machine;
mod packet;
mod process;
mod socket;

pub use descriptor::*;
pub use descriptor_end::*;
pub use ipc::*;
pub use machine::*;
pub use packet::*;
pub use process::*;
pub use socket::*;

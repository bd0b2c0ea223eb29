//! Types of the contract, the same on every system.

mod descriptor;
mod descriptor_end;
mod ipc;
mod machine;
pub(in crate::sys) mod network;
mod process;
#[cfg(any(target_os = "macos", test))]
pub(in crate::sys) mod start_strings;

pub use descriptor::{AccessMode, Descriptor, Object, OpenFile, Socket, SocketName};
pub use descriptor_end::{DescriptorEnd, Peer};
pub use ipc::{IpcId, IpcObject, QueueCapacity};
pub use machine::{ContainerLimits, Core, IdleStatesDisabled, MachineProperty, ProcessorTime};
pub use network::{AcceptQueue, CapturedPacket, PeerCredentials, SocketAddress, TcpQueues, TcpState};
pub use process::{
    ContextSwitches, Process, ProcessStats, ResourceUsage, SchedulerStats, SignalSets, SleepingThread,
};

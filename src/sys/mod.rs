//! Everything that differs between operating systems.
//!
//! Each system has a folder, and all folders hold modules with the same names. What a system cannot do is
//! [`io::ErrorKind::Unsupported`](std::io::ErrorKind::Unsupported), which a check turns into the outcome *unsupported*,
//! never into a failure of the server.

mod types;
mod unix;
mod unsupported;

cfg_if::cfg_if! {
    if #[cfg(target_os = "linux")] {
        mod linux;
        use linux as system;
    } else if #[cfg(target_os = "macos")] {
        mod bsd;
        mod macos;
        use macos as system;
    } else if #[cfg(target_os = "freebsd")] {
        mod bsd;
        mod freebsd;
        use freebsd as system;
    } else {
        use unsupported as system;
    }
}

#[cfg(test)]
mod tests;

pub use system::accounts::resource_usage;
#[cfg(feature = "cli")]
pub use system::calls::SystemCallCounter;
pub use system::credentials::peer_credentials;
#[cfg(feature = "cli")]
pub use system::io_uring::check_io_uring;
pub use system::ipc::{
    TERMINAL_BUFFER_SIZE, pipe_capacity, set_congestion_control, set_pipe_capacity, vmsplice,
};
pub use system::ipc_objects::{ipc_object_processes, ipc_objects, open_ipc_files, remove_ipc_object};
pub use system::machine::{machine_properties, processor_model};
pub use system::message_queues::{
    MessageQueue, raise_message_queue_limit, remove_posix_queue, remove_system_v_queue, system_v_queue_exists,
};
pub use system::occupation::processor_time;
pub use system::open_file::{open_file, same_open_file};
pub use system::packets::PacketCapture;
pub use system::peers::{DescriptorSnapshot, access_mode};
pub use system::process::{
    STATUS_SIGNALS, children, claim_name, descriptor_count, descriptors, executable, has_env_var,
    inherit_no_descriptors, kill_with_parent, may_be_descendant, processes, set_subreaper,
    unacknowledged_bytes, wait_channel, wait_for_exit,
};
pub use system::process_stats::{
    all_threads_blocked, command_line, enable_quick_ack, is_blocked_writing_pipe, peak_memory, process_state,
    process_stats, scheduler_stats, signal_sets, sleeping_threads, tcp_queues, wait_channels,
};
pub use system::processors::{core_of, disable_idle_states, pin_process, pin_thread, usable_processors};
pub use system::signals::QueuedSignals;
pub use system::sockets::{is_listening, socket_id_at, tcp_sockets};
pub use system::timers::minimize_timer_slack;
pub use types::{
    AccessMode, CapturedPacket, ContextSwitches, Core, Descriptor, DescriptorEnd, IdleStatesDisabled, IpcId,
    IpcObject, MachineProperty, Object, OpenFile, Peer, PeerCredentials, Process, ProcessStats,
    ProcessorTime, QueueCapacity, ResourceUsage, SchedulerStats, SignalSets, SleepingThread, Socket,
    SocketAddress, SocketName, TcpQueues, TcpState,
};
pub use unix::child_attributes::{ChildAttributes, set_child_attributes, start_new_session};
pub use unix::descendants::{descendants, with_descendants};
pub use unix::descriptors::mark_descriptors_close_on_exec;
pub use unix::exit::exit_status;
pub use unix::inherited::take_inherited_descriptor;
pub use unix::launch_lock::{between_launches, with_launch_lock};
pub use unix::limits::{
    ContainerLimits, container_limits, descriptor_limit, process_limit, raise_descriptor_limit,
    reset_sigchld, restore_descriptor_limit,
};
pub use unix::partner::{ForkedPartner, WaitMethod};
pub use unix::pass_descriptors::pass_descriptors;
pub use unix::received::receive_descriptors;
pub use unix::rings::{RING_SIZE, RingHangUp, RingReader, RingWriter, map_rings};
pub use unix::terminal::open_pseudo_terminal;
pub use unix::usage::{load_average, own_resource_usage};

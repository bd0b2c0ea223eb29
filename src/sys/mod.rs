//! Everything that differs between operating systems.
//!
//! # The contract
//!
//! Each system has a folder: `linux`, `macos`, `freebsd`. The folder `unsupported` is for all others. Each folder
//! provides the modules and functions below. If a system cannot do something, the function returns
//! [`Unsupported`](std::io::ErrorKind::Unsupported), `None` or an empty list, never a guess. A check turns
//! `Unsupported` into the outcome *unsupported*, which is not a failure of the server.
//!
//! | module | functions and types | Linux | macOS | FreeBSD |
//! |---|---|---|---|---|
//! | `process` | [`processes`], [`children`], [`may_be_descendant`] | `/proc/PID/stat` | `proc_listpids` | – |
//! | | [`executable`], [`command_line`], [`process_state`] | `/proc/PID` | `proc_pidinfo` | – |
//! | | [`has_env_var`] | `/proc/PID/environ` | `KERN_PROCARGS2` | – |
//! | | [`wait_for_exit`] | pidfd | kqueue | kqueue |
//! | | [`set_subreaper`], [`kill_with_parent`] | prctl(2) | – | – |
//! | | [`inherit_no_descriptors`] | `close_range(2)` | – | – |
//! | `threads` | [`wait_channel`], [`wait_channels`], [`is_blocked_writing_pipe`] | `wchan` | – | – |
//! | | [`all_threads_blocked`], [`sleeping_threads`] | `/proc/PID/task` | – | – |
//! | `usage` | [`process_stats`] | `/proc/PID/stat` | `proc_pidinfo` | – |
//! | | [`resource_usage`] | process clocks | `proc_pid_rusage` | – |
//! | | [`peak_memory`] | `status` | – | – |
//! | | [`scheduler_stats`], [`scheduler_stats_of_threads`], [`thread_scheduler_stats`] | `schedstat` | – | – |
//! | `users` | [`check_user_permission`], [`give_own_user`], [`set_task_limit`] | capabilities(7), prlimit(2) | – | – |
//! | `descriptors` | [`descriptors`], [`descriptor_count`] | `/proc/PID/fd` | `proc_pidfdinfo` | – |
//! | | [`access_mode`], [`open_file`] | `/proc/PID/fdinfo` | `proc_pidfdinfo` | – |
//! | | [`same_open_file`] | kcmp(2) | – | – |
//! | `peers` | [`DescriptorSnapshot`] | `fdinfo`, sock_diag(7) | `proc_pidfdinfo` | – |
//! | `sockets` | [`is_listening`] | `/proc/net` | descriptors of processes | – |
//! | | [`socket_id_at`], [`tcp_sockets`], [`tcp_state`], [`tcp_queues`], [`accept_queue`] | `/proc/net` | – | – |
//! | | [`tcp_bytes_in_flight`] | sock_diag(7) | – | – |
//! | | [`unacknowledged_bytes`] | `SIOCOUTQ` | `SO_NWRITE` | `FIONWRITE` |
//! | | [`peer_credentials`] | `SO_PEERCRED` | getpeereid(3) | getpeereid(3) |
//! | | [`enable_quick_ack`], [`set_congestion_control`], [`claim_abstract_name`], [`bind_to_chosen_name`] | tcp(7), unix(7) | – | – |
//! | | [`datagram_queue_length`], [`send_segments`] | `/proc/sys`, udp(7) | – | – |
//! | `signals` | [`STATUS_SIGNALS`] | SIGUSR1 | and SIGINFO | SIGUSR1 |
//! | | [`signal_sets`], [`QueuedSignals`] | `status`, sigqueue(3) | – | – |
//! | `pipes` | [`set_pipe_capacity`], [`pipe_capacity`], [`TERMINAL_BUFFER_SIZE`] | fcntl(2) | constants | constants |
//! | | [`vmsplice`] | `vmsplice(2)` | – | – |
//! | `futex` | `futex_wait`, `futex_wake` (private to this module) | futex(2) | – | – |
//! | `ipc_objects` | [`ipc_objects`], [`ipc_object_processes`], [`open_ipc_files`], [`remove_ipc_object`] | `/proc/sysvipc`, `/dev` | – | – |
//! | `message_queues` | [`MessageQueue`], [`raise_message_queue_limit`] | mq_overview(7), sysvipc(7) | – | – |
//! | | [`remove_posix_queue`], [`remove_system_v_queue`], [`system_v_queue_exists`] | the same | – | – |
//! | | [`owns_posix_queue`], [`owns_system_v_queue`] | fstat(2), msgctl(2) | – | – |
//! | `namespaces` | [`check_namespace_permission`], [`give_own_network`], [`in_network_of`] | `unshare(2)`, `setns(2)` | – | – |
//! | | [`spawn_as_first_process`], [`udp_addresses_of`] | pid_namespaces(7), `/proc/PID/net` | – | – |
//! | | [`give_own_objects`], [`ipc_namespace_of`], [`objects_in_namespace`] | ipc_namespaces(7) | – | – |
//! | `packets` | [`PacketCapture`] | packet(7) | – | – |
//! | `limits` | [`container_limits`], [`highest_descriptor_limit`] | cgroups(7), `nr_open` | – | – |
//! | | [`return_freed_blocks`] | mallopt(3) | – | – |
//! | `processors` | [`usable_processors`] | `sched_getaffinity(2)` | sysconf(3) | sysconf(3) |
//! | | [`core_of`], [`processor_time`], [`PROCESSOR_TIME_SOURCE`] | sysfs(5), `/proc/stat` | – | – |
//! | | [`pin_thread`], [`pin_process`] | `sched_setaffinity(2)` | – | – |
//! | | [`disable_idle_states`], [`minimize_timer_slack`] | `/dev/cpu_dma_latency`, prctl(2) | – | – |
//! | `machine` | [`machine_properties`], [`processor_model`] | `/proc/sys`, `/sys` | sysctl(3) | sysctl(3) |
//! | | [`check_io_uring`] | `io_uring_setup(2)` | – | – |
//! | `system_calls` | [`SystemCallCounter`] | `perf_event_open(2)` | `proc_pidinfo` | – |
//!
//! # The other folders
//!
//! `portable` is Linux with no more than macOS offers. The variable `ECHOSPEC_FORCE_PORTABLE`, set when echospec is
//! built, selects it, so that the code for macOS runs on Linux: `cargo xtask scenarios --only portable`.
//!
//! `types` holds the types that these functions take and return. `unix` holds functions that are the same on every
//! system. `bsd` holds what macOS and FreeBSD have in common.
//!
//! To add a system, add a folder and a line to the switch below. The folder re-exports from `unsupported` what the
//! system lacks.

mod types;
mod unix;
mod unsupported;

cfg_if::cfg_if! {
    if #[cfg(all(target_os = "linux", force_portable))] {
        #[allow(dead_code, unused_imports, reason = "only a part of Linux stands in for macOS")]
        mod linux;
        mod portable;
        use portable as system;
    } else if #[cfg(target_os = "linux")] {
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

pub use system::descriptors::{access_mode, descriptor_count, descriptors, open_file, same_open_file};
pub use system::ipc_objects::{ipc_object_processes, ipc_objects, open_ipc_files, remove_ipc_object};
pub use system::limits::{container_limits, highest_descriptor_limit, return_freed_blocks};
#[cfg(feature = "cli")]
pub use system::machine::check_io_uring;
pub use system::machine::{machine_properties, processor_model};
pub use system::message_queues::{
    MessageQueue, owns_posix_queue, owns_system_v_queue, raise_message_queue_limit, remove_posix_queue,
    remove_system_v_queue, system_v_queue_exists,
};
pub use system::namespaces::{
    check_namespace_permission, give_own_network, give_own_objects, in_network_of, ipc_namespace_of,
    objects_in_namespace, spawn_as_first_process, udp_addresses_of,
};
pub use system::packets::PacketCapture;
pub use system::peers::DescriptorSnapshot;
pub use system::pipes::{TERMINAL_BUFFER_SIZE, pipe_capacity, set_pipe_capacity, vmsplice};
pub use system::process::{
    children, command_line, executable, has_env_var, inherit_no_descriptors, kill_with_parent,
    may_be_descendant, process_state, processes, set_subreaper, wait_for_exit,
};
pub use system::processors::{
    PROCESSOR_TIME_SOURCE, core_of, disable_idle_states, minimize_timer_slack, pin_process, pin_thread,
    processor_time, usable_processors,
};
pub use system::signals::{QueuedSignals, STATUS_SIGNALS, signal_sets};
pub use system::sockets::{
    accept_queue, bind_to_chosen_name, claim_abstract_name, datagram_queue_length, enable_quick_ack,
    is_listening, peer_credentials, send_segments, set_congestion_control, socket_id_at, tcp_bytes_in_flight,
    tcp_queues, tcp_sockets, tcp_state, unacknowledged_bytes,
};
#[cfg(feature = "cli")]
pub use system::system_calls::SystemCallCounter;
pub use system::threads::{
    all_threads_blocked, is_blocked_writing_pipe, sleeping_threads, wait_channel, wait_channels,
};
pub use system::usage::{
    peak_memory, process_stats, resource_usage, scheduler_stats, scheduler_stats_of_threads,
    thread_scheduler_stats,
};
pub use system::users::{check_user_permission, give_own_user, set_task_limit};

pub use types::{
    AcceptQueue, AccessMode, CapturedPacket, ContainerLimits, ContextSwitches, Core, Descriptor,
    DescriptorEnd, IdleStatesDisabled, IpcId, IpcObject, MachineProperty, Object, OpenFile, Peer,
    PeerCredentials, Process, ProcessStats, ProcessorTime, QueueCapacity, ResourceUsage, SchedulerStats,
    SignalSets, SleepingThread, Socket, SocketAddress, SocketName, TcpQueues, TcpState,
};

pub use unix::child_attributes::{ChildAttributes, set_child_attributes, start_new_session};
pub use unix::descendants::{descendants, with_descendants};
pub use unix::descriptors::{
    is_all_read_from_terminal, mark_descriptors_close_on_exec, open_pseudo_terminal, receive_descriptors,
    take_inherited_descriptor,
};
pub use unix::exit::{exit_status, reset_sigchld};
pub use unix::forked_partner::{ForkedPartner, PartnerWaitMode};
pub use unix::launch::{between_launches, end_launches, with_launch_lock};
#[cfg(feature = "cli")]
pub use unix::limits::raise_descriptor_limit_to;
pub use unix::limits::{
    check_descriptor_limit, descriptor_limit, inherited_descriptor_limit, process_limit,
    raise_descriptor_limit, restore_descriptor_limit,
};
pub use unix::name::system_name;
pub use unix::own_files::{is_own_directory, open_own_file};
pub use unix::pass_descriptors::pass_descriptors;
pub use unix::shared_rings::{RING_SIZE, RingHangUp, RingReader, RingWriter, map_rings};
pub use unix::usage::{load_average, own_resource_usage};

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

pub use system::credentials::peer;
pub use system::ipc_objects::{ipc_names_held, ipc_objects, ipc_users, remove_ipc};
pub use system::open_file::{open_file, same_open_file};
pub use system::packets::Tap;
pub use system::peers::{Survey, access};
pub use system::process::{
    QUESTIONS, adopt_orphans, blocked_in, children, claim, descriptor_count, descriptors, end_with_parent,
    has_mark, may_be_ours, processes, program, unsent_bytes, wait_for_exit,
};
pub use system::process_stats::{
    acknowledge_at_once, command_line, is_at_rest, peak_memory, scheduling, signals, sleepers, state,
    tcp_queues, vitals, waits, waits_to_write_to_pipe,
};
pub use system::sockets::{listens, socket_at, tcp_states};
pub use system::timers::wake_on_time;
pub use types::{
    Access, Descriptor, End, Frame, IpcName, IpcObject, Object, OpenFile, Partner, Peer, Place, Process,
    Queues, Scheduling, SignalSets, Sleeper, Socket, SocketName, TcpState, Vitals,
};
pub use unix::child_attributes::{Inheritance, leave_session, set_child_attributes};
pub use unix::descendants::{descendants, with_descendants};
pub use unix::descriptors::seal_descriptors;
pub use unix::exit::exit_status;
pub use unix::inherited::inherited;
pub use unix::launch_lock::{between_launches, launching};
pub use unix::limits::{
    Container, container, descriptor_limit, expect_children, most_processes, raise_descriptor_limit,
    restore_descriptor_limit,
};

/// The mechanisms of interprocess communication, as a client uses them.
pub mod ipc {
    pub use super::system::ipc::{
        TERMINAL_ROOM, lend, pipe_capacity, set_congestion_control, set_pipe_capacity,
    };
    pub use super::system::message_queues::{
        Queue, has_system_v_queue, raise_queue_limit, remove_posix_queue, remove_system_v_queue,
    };
    pub use super::system::signals::Signals;
    pub use super::types::Holds;
    pub use super::unix::received::receive_descriptors;
    pub use super::unix::rings::{HangUp, RING_SIZE, RingReader, RingWriter, rings};
    pub use super::unix::terminal::terminal;
}

/// The machine that a comparison runs on: its processors, and what processes use of them.
pub mod machine {
    pub use super::system::accounts::account;
    pub use super::system::calls::Calls;
    pub use super::system::io_uring::io_uring;
    pub use super::system::machine::{processor_model, properties};
    pub use super::system::occupation::occupation;
    pub use super::system::processors::{
        confine_process, confine_thread, core_of, hold_awake, usable_processors,
    };
    pub use super::types::{Account, Awake, Core, Occupation, Property, Switches};
    pub use super::unix::partner::{Handover, Partner};
    pub use super::unix::usage::{load_average, own_account};
}

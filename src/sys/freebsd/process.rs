//! Processes. kqueue(2) announces their end.

pub use crate::sys::bsd::kqueue::wait_for_exit;
pub use crate::sys::unsupported::process::{
    children, command_line, executable, has_env_var, inherit_no_descriptors, kill_with_parent,
    may_be_descendant, process_state, processes, set_subreaper,
};

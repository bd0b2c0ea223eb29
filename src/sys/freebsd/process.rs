//! Processes. kqueue(2) announces their end.

pub use crate::sys::bsd::kqueue::wait_for_exit;
pub use crate::sys::unix::child_attributes::inherit_no_descriptors;
pub use crate::sys::unsupported::process::{
    children, command_line, executable, has_env_var, kill_with_parent, may_be_descendant, process_state,
    processes, set_subreaper,
};

//! Which descriptors a server and its children hold, and what they leave behind on those they were lent.

use super::Check;

mod child_holds_no_listener;
mod child_holds_no_sibling;
mod eof_arrives;
mod exec_inherits_no_socket;
mod no_leak;
mod nonblocking_left_behind;
mod passed;
mod starts_clean;

pub(super) const CHECKS: &[&Check] = &[
    &starts_clean::CHECK,
    &passed::LISTENER,
    &passed::CONNECTION,
    &child_holds_no_listener::CHECK,
    &child_holds_no_sibling::CHECK,
    &exec_inherits_no_socket::CHECK,
    &eof_arrives::CHECK,
    &eof_arrives::STDIO,
    &no_leak::CHECK,
    &no_leak::AFTER_RESETS,
    &no_leak::PEERS,
    &nonblocking_left_behind::CHECK,
];

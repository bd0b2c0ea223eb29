//! Checks of the descriptors that a server and its children hold.

use super::Check;

mod child_holds_no_listener;
mod child_holds_no_sibling;
mod environment_passed_on;
mod eof_arrives;
mod exec_inherits_no_socket;
mod lent_listener;
mod listen_fds;
mod no_leak;
mod nonblocking_left_behind;
mod passed;
mod passed_in_message;
mod starts_clean;

pub(super) const CHECKS: &[&Check] = &[
    &starts_clean::CHECK,
    &passed::SERVES_PASSED_LISTENER,
    &listen_fds::LISTEN_PID_OF_ANOTHER,
    &listen_fds::NONBLOCKING_LISTENER,
    &listen_fds::SERVES_EVERY_LISTENER,
    &lent_listener::CHECK,
    &passed::SERVES_PASSED_CONNECTION,
    &child_holds_no_listener::CHECK,
    &child_holds_no_sibling::CHECK,
    &exec_inherits_no_socket::CHECK,
    &environment_passed_on::CHECK,
    &eof_arrives::CHECK,
    &eof_arrives::EOF_ENDS_IT,
    &no_leak::NO_LEAK,
    &no_leak::NO_LEAK_AFTER_RESETS,
    &no_leak::NO_LEAK_OF_PEERS,
    &passed_in_message::CHECK,
    &nonblocking_left_behind::CHECK,
    &nonblocking_left_behind::LEFT_BY_DAEMON,
];

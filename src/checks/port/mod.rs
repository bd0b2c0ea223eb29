//! Checks of ports: how a server binds one, and how it serves many clients on it.

use super::Check;

mod address_asked;
mod announces_real_port;
mod echo_loop;
mod exclusive;
mod free_after_exit;
pub(super) mod many_clients;
mod restart_in_time_wait;
mod same_four_tuple;
mod same_source_port;
pub(super) mod second_instance;

pub(super) const CHECKS: &[&Check] = &[
    &many_clients::MANY_CLIENTS_OF_PORT,
    &same_source_port::CHECK,
    &same_four_tuple::CHECK,
    &restart_in_time_wait::CHECK,
    &second_instance::SECOND_INSTANCE_ON_PORT,
    &exclusive::CHECK,
    &address_asked::ADDRESS_ASKED,
    &address_asked::ANSWERS_FROM_ADDRESS_ASKED,
    &echo_loop::CHECK,
    &free_after_exit::CHECK,
    &announces_real_port::CHECK,
];

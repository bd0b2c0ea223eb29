//! Checks of socket files: who may connect, what the server replaces, and what it removes.

use super::Check;
use super::port::{many_clients, second_instance};

mod abstract_name;
mod client_names;
mod owner_only;
mod regular_file;
mod removed_at_exit;
mod restart_after_crash;
mod successor;
mod too_long;

pub(super) const CHECKS: &[&Check] = &[
    &many_clients::MANY_CLIENTS_OF_PATH,
    &owner_only::CHECK,
    &second_instance::SECOND_INSTANCE_ON_PATH,
    &restart_after_crash::CHECK,
    &regular_file::CHECK,
    &too_long::CHECK,
    &abstract_name::CHECK,
    &client_names::CHECK,
    &removed_at_exit::CHECK,
    &successor::CHECK,
];

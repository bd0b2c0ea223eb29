//! What becomes of the socket file.

use super::Check;
use super::port::{many_clients, second_instance};

mod owner_only;
mod removed_at_exit;
mod restart_after_crash;

pub(super) const CHECKS: &[&Check] = &[
    &many_clients::PATH,
    &owner_only::CHECK,
    &second_instance::PATH,
    &restart_after_crash::CHECK,
    &removed_at_exit::CHECK,
];

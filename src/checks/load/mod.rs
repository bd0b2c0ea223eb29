//! Slow clients, many clients, and what a server runs out of.

use super::Check;

mod backlog;
mod beyond_fd_setsize;
mod bounded_buffering;
pub(super) mod idle;
mod idle_client;
mod no_delay;
mod no_leak;
mod out_of_descriptors;
mod slow_client;

pub(super) const CHECKS: &[&Check] = &[
    &idle::CHECK,
    &idle::STALLED,
    &slow_client::BLOCKS_NONE,
    &slow_client::NO_CROSS_TALK,
    &bounded_buffering::CHECK,
    &out_of_descriptors::CHECK,
    &beyond_fd_setsize::CHECK,
    &no_leak::THREADS,
    &no_leak::MEMORY,
    &no_delay::CHECK,
    &backlog::CHECK,
    &idle_client::CHECK,
];

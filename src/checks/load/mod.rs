//! Checks of slow, idle and many clients, and of processor time, memory and descriptors.

use super::Check;

mod backlog;
mod beyond_fd_setsize;
mod bounded_buffering;
mod descriptor_limit;
mod full_queue;
mod half_request;
mod idle;
mod idle_client;
mod mute_client;
mod no_delay;
mod no_leak;
mod out_of_descriptors;
mod out_of_processes;
mod slow_client;
mod talker;
mod together;

pub(super) const CHECKS: &[&Check] = &[
    &idle::IDLE,
    &idle::IDLE_WHILE_STALLED,
    &together::CHECK,
    &mute_client::CHECK,
    &half_request::CHECK,
    &talker::CHECK,
    &slow_client::SLOW_CLIENT_BLOCKS_NONE,
    &full_queue::CHECK,
    &slow_client::NO_CROSS_TALK,
    &bounded_buffering::CHECK,
    &out_of_descriptors::CHECK,
    &out_of_processes::CHECK,
    &beyond_fd_setsize::CHECK,
    &descriptor_limit::CHECK,
    &no_leak::NO_THREAD_LEAK,
    &no_leak::NO_MEMORY_LEAK,
    &no_delay::CHECK,
    &backlog::CHECK,
    &idle_client::CHECK,
];

//! Checks of start and exit, signals, standard descriptors, and clients that fail.

use super::Check;

mod announces;
mod children_start_clean;
mod delivers_before_ending;
mod ends_on_sigterm;
mod ends_with_its_client;
mod ends_with_its_pipes;
mod first_process;
mod leaves_nothing;
mod no_orphans;
mod no_zombies;
mod notifies_when_ready;
mod odd_stdio;
mod other_signals;
mod serves_next_client;
mod sigchld_ignored;
mod source_port_zero;
mod survives_bad_requests;
mod survives_early_reset;
mod survives_reload;
mod survives_reset;
mod survives_stop;
mod survives_urgent_data;
mod survives_vanished;
mod unread_log;

pub(super) const CHECKS: &[&Check] = &[
    &serves_next_client::CHECK,
    &survives_reset::CHECK,
    &survives_early_reset::CHECK,
    &survives_urgent_data::CHECK,
    &survives_bad_requests::CHECK,
    &survives_stop::CHECK,
    &survives_reload::CHECK,
    &survives_vanished::SURVIVES_VANISHED_CLIENT,
    &survives_vanished::SURVIVES_UNNAMED_CLIENT,
    &source_port_zero::CHECK,
    &no_zombies::CHECK,
    &sigchld_ignored::CHECK,
    &children_start_clean::CHECK,
    &odd_stdio::CLOSED_STDIO,
    &odd_stdio::UNWRITABLE_STDOUT,
    &unread_log::CHECK,
    &announces::ANNOUNCES_WHEN_LISTENING,
    &announces::ANNOUNCEMENT_FLUSHED,
    &notifies_when_ready::CHECK,
    &ends_on_sigterm::CHECK,
    &other_signals::CHECK,
    &first_process::CHECK,
    &no_orphans::CHECK,
    &leaves_nothing::CHECK,
    &delivers_before_ending::CHECK,
    &ends_with_its_pipes::ENDS_AT_EPIPE,
    &ends_with_its_client::CHECK,
    &ends_with_its_pipes::STATUS_AT_EOF,
];

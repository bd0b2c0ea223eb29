//! Checks of servers on standard input and output: language servers, MCP servers, co-processes.

use super::Check;

mod answers_before_eof;
mod ends_at_eof;
mod ends_at_goodbye;
mod ends_on_signals;
mod ends_with_client;
mod protocol_only;
mod standard_error;

pub(super) const CHECKS: &[&Check] = &[
    &protocol_only::CHECK,
    &ends_at_eof::CHECK,
    &ends_at_eof::STATUS,
    &answers_before_eof::CHECK,
    &answers_before_eof::LONG,
    &ends_with_client::CLOSED,
    &ends_with_client::KILLED,
    &ends_at_goodbye::CHECK,
    &ends_on_signals::SIGINT,
    &ends_on_signals::AT_WORK,
    &standard_error::FAILING,
    &standard_error::UNREAD,
];

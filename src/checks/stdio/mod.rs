//! Checks of servers on standard input and output: language servers, MCP servers, co-processes.

use super::Check;

mod answers_before_eof;
mod any_id;
mod bad_messages;
mod cut_characters;
mod ends_at_eof;
mod ends_at_goodbye;
mod ends_on_signals;
mod ends_with_client;
mod input_from_file;
mod input_from_socket;
mod message_forms;
mod nonblocking_output;
mod output_to_file;
mod over_time;
mod protocol_only;
mod refusals;
mod standard_error;
mod under_way;

pub(super) const CHECKS: &[&Check] = &[
    &protocol_only::CHECK,
    &cut_characters::CHECK,
    &message_forms::LONG,
    &message_forms::LINE_ENDS,
    &message_forms::HEADERS,
    &message_forms::CASE,
    &bad_messages::MESSAGES,
    &bad_messages::HEADERS,
    &refusals::UNKNOWN,
    &refusals::CODE,
    &refusals::NOTIFICATIONS,
    &any_id::CHECK,
    &under_way::ONCE,
    &under_way::CANCELLED,
    &over_time::DESCRIPTORS,
    &over_time::MEMORY,
    &over_time::WAKE_UPS,
    &ends_at_eof::CHECK,
    &ends_at_eof::STATUS,
    &answers_before_eof::CHECK,
    &answers_before_eof::LONG,
    &ends_with_client::CLOSED,
    &ends_with_client::KILLED,
    &ends_at_goodbye::CHECK,
    &ends_at_goodbye::SHORT,
    &ends_on_signals::SIGINT,
    &ends_on_signals::AT_WORK,
    &input_from_file::CHECK,
    &input_from_socket::CHECK,
    &output_to_file::CHECK,
    &nonblocking_output::CHECK,
    &standard_error::FAILING,
    &standard_error::UNREAD,
];

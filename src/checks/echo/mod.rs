//! Checks of the echo itself: every byte comes back, unchanged and in order, and nothing else does.

use super::Check;

mod all_bytes;
mod buffer_boundaries;
mod burst;
mod byte_by_byte;
mod control_words;
mod empty;
mod empty_message;
mod empty_on_connection;
mod full_duplex;
mod half_close;
mod large_messages;
mod long_line;
mod message_boundaries;
mod message_sizes;
mod nothing_extra;
mod nothing_unasked;
mod one_byte;
mod ping_pong;
mod reply_address;
mod slow_reader;
mod stale_tail;

pub(super) const CHECKS: &[&Check] = &[
    &nothing_unasked::CHECK,
    &empty::CHECK,
    &one_byte::CHECK,
    &all_bytes::CHECK,
    &control_words::CHECK,
    &byte_by_byte::CHECK,
    &ping_pong::CHECK,
    &buffer_boundaries::CHECK,
    &long_line::CHECK,
    &half_close::CHECK,
    &nothing_extra::CHECK,
    &slow_reader::CHECK,
    &full_duplex::CHECK,
    &message_sizes::CHECK,
    &large_messages::CHECK,
    &message_boundaries::CHECK,
    &burst::CHECK,
    &empty_message::CHECK,
    &empty_on_connection::CHECK,
    &stale_tail::CHECK,
    &reply_address::CHECK,
];

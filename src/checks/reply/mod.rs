//! Checks of a protocol with requests and replies: the replies do not depend on how the requests arrive.

use super::Check;

mod after_resets;
mod beside_stalled_reader;
mod byte_by_byte;
mod cut_anywhere;
mod long_payload;
mod nothing_unasked;
mod one_of_many;
mod segments;
mod together;
mod while_others_leave;
mod while_stopped;
mod with_fin;

pub(super) const CHECKS: &[&Check] = &[
    &nothing_unasked::CHECK,
    &cut_anywhere::CHECK,
    &byte_by_byte::CHECK,
    &long_payload::CHECK,
    &together::CHECK,
    &with_fin::CHECK,
    &while_stopped::CHECK,
    &one_of_many::CHECK,
    &while_others_leave::CHECK,
    &after_resets::CHECK,
    &beside_stalled_reader::CHECK,
    &segments::CHECK,
];

//! The keys of a protocol file.

use crate::protocol::template::Notation;

pub(super) const SEND_KEYS: [(&str, Notation); 3] =
    [("send", Notation::Text), ("send_hex", Notation::Hex), ("send_base64", Notation::Base64)];
pub(super) const EXPECT_KEYS: [(&str, Notation); 3] =
    [("expect", Notation::Text), ("expect_hex", Notation::Hex), ("expect_base64", Notation::Base64)];
pub(super) const REPLY_KEYS: [&str; 5] = ["expect", "expect_hex", "expect_base64", "frame", "status"];
pub(super) const INCOMING_KEYS: [&str; 2] = ["expect", "send"];
pub(in crate::protocol) const TURN_KEYS: [&str; 9] = [
    "send",
    "send_hex",
    "send_base64",
    "expect",
    "expect_hex",
    "expect_base64",
    "frame",
    "status",
    "payload_max",
];
pub(in crate::protocol) const FILE_KEYS: [&str; 20] = [
    "name",
    "about",
    "over",
    "prefix",
    "json",
    "greeting",
    "opening",
    "turn",
    "long",
    "goodbye",
    "goodbye_status",
    "short_goodbye_status",
    "incoming",
    "refused",
    "cancel",
    "keep_alive",
    "pipelining",
    "half_close",
    "order",
    "keeps_payload",
];

//! Stands in for JSON values in a build without the feature `json`: there are none.

use super::{Difference, Kind, Malformed};
use crate::protocol::token::Token;

/// Stands for a JSON value in a build without the feature `json`. The type has no values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) enum Value {}

impl Value {
    pub(in crate::protocol) const IS_SUPPORTED: bool = false;

    pub(in crate::protocol) fn parse(_text: &[u8]) -> Result<Value, Malformed> {
        Err(malformed())
    }

    pub(in crate::protocol) fn nulls(&self, _pointer: &str) -> String {
        match *self {}
    }

    pub(in crate::protocol) fn with_member(&self, _name: &str, _value: &str) -> Option<String> {
        match *self {}
    }

    pub(in crate::protocol) fn is_answer_without_id(&self) -> bool {
        match *self {}
    }
}

/// Stands for a JSON pattern in a build without the feature `json`. The type has no values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) enum JsonPattern {}

impl JsonPattern {
    pub(in crate::protocol) fn wildcard(kind: Kind) -> Vec<u8> {
        kind.name().into()
    }

    pub(in crate::protocol) fn id() -> Vec<u8> {
        Vec::new()
    }

    pub(in crate::protocol) fn parse(_text: &[u8]) -> Result<JsonPattern, Malformed> {
        Err(malformed())
    }

    pub(in crate::protocol) fn belongs(&self, _token: &Token, _found: &Value) -> bool {
        match *self {}
    }

    pub(in crate::protocol) fn id_in(&self, _found: &Value) -> Option<String> {
        match *self {}
    }

    pub(in crate::protocol) fn compare(&self, _id: Option<u32>, _found: &Value) -> Result<(), Difference> {
        match *self {}
    }
}

fn malformed() -> Malformed {
    Malformed { offset: 0, message: "this build has no feature `json`".into(), is_cut: false }
}

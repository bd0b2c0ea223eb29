//! The values of a step of a scene: names, texts, numbers, times.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::text::Text;
use crate::sys::TcpState;

/// A value of a step, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// The name of a client, a peer or a mark, or a word.
    Name(String),
    /// A text in quotes, digits of bytes, or the content of a file.
    Text(Text),
    /// A number of bytes that differ from those of every other step.
    Payload(usize),
    Number(usize),
    /// A number of bytes that a buffer holds.
    Size(usize),
    /// A state of a TCP connection.
    State(TcpState),
    Time(Duration),
    Signal(Signal),
}

/// The values of a step in the order of the line, each with its place in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Values {
    pub list: Vec<(Value, Range<usize>)>,
    /// The time after `within`.
    pub within: Option<Duration>,
}

/// The values of a step when the step runs: names in texts are replaced by the bytes that they stand for.
///
/// The pattern of a verb determines how many values there are, and of which kind.
#[derive(Debug)]
pub(super) struct Arguments {
    /// The values as they are written.
    pub values: Vec<Value>,
    /// The bytes of each value that is a text or a payload; empty for all others.
    pub bytes: Vec<Vec<u8>>,
    /// The names that stand for bytes.
    pub known: BTreeMap<String, Vec<u8>>,
    /// The time limit of the step, if the scene states one.
    pub within: Option<Duration>,
    /// The offset of the round, in a block `for each offset of request`.
    pub offset: usize,
}

impl Arguments {
    pub fn name(&self, place: usize) -> &str {
        if let Some(Value::Name(name)) = self.values.get(place) { name } else { "" }
    }

    pub fn bytes(&self, place: usize) -> &[u8] {
        self.bytes.get(place).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn text(&self, place: usize) -> String {
        String::from_utf8_lossy(self.bytes(place)).into_owned()
    }

    pub fn number(&self, place: usize) -> usize {
        if let Some(Value::Number(number)) = self.values.get(place) { *number } else { 0 }
    }

    pub fn size(&self, place: usize) -> usize {
        if let Some(Value::Size(size)) = self.values.get(place) { *size } else { 0 }
    }

    pub fn state(&self, place: usize) -> TcpState {
        if let Some(Value::State(state)) = self.values.get(place) { *state } else { TcpState::Closed }
    }

    pub fn signal(&self, place: usize) -> Signal {
        if let Some(Value::Signal(signal)) = self.values.get(place) { *signal } else { Signal::SIGTERM }
    }

    /// Returns the text at `place` as it is written, for a pattern.
    pub fn pattern(&self, place: usize) -> Text {
        if let Some(Value::Text(text)) = self.values.get(place) { text.clone() } else { Text::default() }
    }

    /// Returns the time limit of the step, or `usual` if the scene states none.
    pub fn limit(&self, usual: Duration) -> Duration {
        self.within.unwrap_or(usual)
    }
}

//! The protocol between harness and client process: JSON lines. The client reads one [`Job`] from standard input, and
//! writes a [`TaskResult`] for each task to standard output.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::bench::comparison::{Measure, MessageCost};
use crate::transport::{Address, ClientWaitMode, Tuning};

/// The settings and tasks of a client process of `echospec compare`, which it reads as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// The name of the transport by which the client reaches the server.
    pub transport: String,
    /// The address of the server that the client measures.
    pub address: Address,
    /// True if the client inherits its ends of the connection with the server as descriptors 3 and 4.
    pub inherited: bool,
    /// The process id of the server that the client measures.
    pub server: i32,
    /// The directory in which the client may bind socket paths and other names.
    pub scratch: PathBuf,
    /// The processor to which the client binds itself. `None` if the scheduler chooses.
    pub processor: Option<usize>,
    /// The way in which the measuring client waits for input.
    pub waiting: ClientWaitMode,
    /// The options that the client sets on the measured mechanism.
    pub tuning: Tuning,
    /// True if client and server share a processor: the server cannot run while the client compares bytes.
    pub shares_processor: bool,
    /// The seed that determines the bytes that the client sends.
    pub seed: u64,
    /// True if the client counts the system calls of both sides, which slows each of them down.
    #[serde(default)]
    pub count_calls: bool,
    /// The measurements that the client makes, in the order of execution.
    pub tasks: Vec<Task>,
}

/// One measurement that a client process makes of a server.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The quantity to measure, such as round-trip time.
    pub measure: Measure,
    /// The size of the exchanged messages in bytes.
    pub size: usize,
    /// The number of messages per second in an open loop, or `None` in a closed loop.
    pub rate: Option<f64>,
    /// The duration of a measurement's warm-up, before the timed part.
    pub warm_up: Duration,
    /// The duration of the timed part of a measurement.
    pub timed: Duration,
}

/// The result of one measurement, as the client process reports it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskResult {
    /// The client has measured what it was asked to measure.
    Measured(Box<Sample>),
    /// The mechanism cannot do what was to be measured. The client continues with the next task.
    Unsupported(String),
    /// The server sent a wrong byte during a measurement. The client exits.
    WrongBytes(String),
    /// The conversation with the server failed during a measurement. The client exits.
    Failed(String),
}

/// The values that one measurement of the client found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The measured value, in the unit of the measure.
    pub value: f64,
    /// The number of messages or connections that were measured.
    pub messages: u64,
    /// The duration of the timed part of a measurement, in seconds.
    pub seconds: f64,
    /// The cost of a message in one measurement by the client.
    pub cost: MessageCost,
    /// The histogram of message times, as in [`Round::histogram`](crate::bench::comparison::Round::histogram).
    pub histogram: Option<String>,
    /// The cost of reading the clock in the client process, in ns.
    pub clock: f64,
    /// The time in which the client compared bytes: see
    /// [`Round::checking`](crate::bench::comparison::Round::checking).
    pub checking: Option<f64>,
    /// The delay of the client's sends: see [`Round::lateness`](crate::bench::comparison::Round::lateness).
    pub lateness: Option<f64>,
}

impl Task {
    /// Creates a measuring task whose durations are not set.
    #[must_use]
    pub fn new(measure: Measure, size: usize, rate: Option<f64>) -> Task {
        Task { measure, size, rate, warm_up: Duration::ZERO, timed: Duration::ZERO }
    }

    /// Sets the durations of a measuring task's timed part and warm-up. An open loop is extended to a few messages,
    /// and is warmed up by at most one.
    #[must_use]
    pub fn with_durations(self, timed: Duration, warm_up: Duration) -> Task {
        match self.rate {
            Some(rate) => Task {
                timed: timed.max(Duration::from_secs_f64(MIN_OPEN_LOOP_MESSAGES / rate)),
                warm_up: warm_up.min(Duration::from_secs_f64(1.0 / rate)),
                ..self
            },
            None => Task { timed, warm_up, ..self },
        }
    }

    /// Returns whether `other` measures the same as this task, apart from the durations.
    #[must_use]
    pub fn is_same_task(&self, other: &Task) -> bool {
        (self.measure, self.size, self.rate) == (other.measure, other.size, other.rate)
    }
}

/// Minimum number of messages that an open loop measures in a round.
const MIN_OPEN_LOOP_MESSAGES: f64 = 3.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_rate_extends_the_timed_part() {
        let short = Duration::from_millis(10);
        let slow = Task::new(Measure::RoundTrip, 64, Some(1.0)).with_durations(short, short);
        assert_eq!((slow.timed, slow.warm_up), (Duration::from_secs(3), short));
        let closed = Task::new(Measure::RoundTrip, 64, None).with_durations(short, short);
        assert_eq!(closed.timed, short);
    }
}

//! The parameters of a measurement: its measure, placement, size and rate.

use serde::{Deserialize, Serialize};

/// The settings under which measurements of different candidates can be compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// The quantity that is measured, such as round-trip time.
    pub measure: Measure,
    /// The placement of client and server on processors.
    pub placement: Placement,
    /// The size of the exchanged messages in bytes.
    pub size: usize,
    /// The number of messages per second in an open loop, or `None` in a closed loop.
    pub rate: Option<f64>,
}

/// The processors that client and server run on, and how they wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// Client and server run on one processor.
    Same,
    /// Client and server run on two processors that sleep when idle. An interrupt wakes the other one.
    Cross,
    /// Client and server run on two processors that are kept out of their idle states, so that they poll for work.
    CrossPolling,
    /// Client and server run on two processors, and neither process ever sleeps.
    Spin,
    /// Client and server run wherever the scheduler puts them.
    Free,
}

/// The quantity that a comparison measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// The median round-trip time, from before a send to after the receive of its echo, with one message in flight,
    /// in ns.
    RoundTrip,
    /// Throughput: bytes per second that were sent, echoed and received, with a window of messages in flight. Each
    /// byte crosses the mechanism twice and is counted once.
    Throughput,
    /// Conversations per second. A conversation connects, echoes one message and closes.
    Connections,
}

impl Placement {
    /// Every placement of client and server on processors, in the order of help and tables.
    pub const ALL: [Placement; 5] =
        [Placement::Same, Placement::Cross, Placement::CrossPolling, Placement::Spin, Placement::Free];

    /// Returns the name of the placement of client and server, as on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Placement::Same => "same",
            Placement::Cross => "cross",
            Placement::CrossPolling => "cross-polling",
            Placement::Spin => "spin",
            Placement::Free => "free",
        }
    }

    /// Returns the placement of client and server called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Placement> {
        Placement::ALL.into_iter().find(|placement| placement.name() == name)
    }

    /// Returns a one-line description of a placement of client and server, as the end of a sentence.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Placement::Same => "both on one core",
            Placement::Cross => "on two cores that go to sleep when idle",
            Placement::CrossPolling => "on two cores that are kept from sleeping",
            Placement::Spin => "on two cores, neither side ever waiting in the kernel",
            Placement::Free => "wherever the scheduler puts them",
        }
    }
}

impl Measure {
    /// Every quantity that a comparison measures, in the order of help and tables.
    pub const ALL: [Measure; 3] = [Measure::RoundTrip, Measure::Throughput, Measure::Connections];

    /// Returns the name of a measured quantity, as on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Measure::RoundTrip => "round-trip",
            Measure::Throughput => "throughput",
            Measure::Connections => "connections",
        }
    }

    /// Returns the measured quantity called `name`, such as `round-trip`.
    #[must_use]
    pub fn named(name: &str) -> Option<Measure> {
        Measure::ALL.into_iter().find(|measure| measure.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_each_measure_and_placement_by_its_name() {
        assert!(Measure::ALL.iter().all(|it| Measure::named(it.name()) == Some(*it)));
        assert!(Placement::ALL.iter().all(|it| Placement::named(it.name()) == Some(*it)));
    }
}

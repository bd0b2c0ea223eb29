//! What a comparison is asked to measure, and the tasks that this makes for each contender.

use std::path::PathBuf;
use std::time::Duration;

use super::candidate::Contender;
use super::comparison::{Measure, Placement};
use crate::bench::session::job::Task;
use crate::deadline::Deadlines;
use crate::transport::{Capabilities, Tuning};

/// All that a comparison must be told.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Whom to compare.
    pub contenders: Vec<Contender>,
    /// The contender to which ratios are taken.
    pub reference: String,
    /// Where they run.
    pub placements: Vec<Placement>,
    /// What is measured.
    pub measures: Vec<Measure>,
    /// The sizes of messages in bytes.
    pub sizes: Vec<usize>,
    /// Rates of messages a second, for an open loop with messages of the first size.
    pub rates: Vec<f64>,
    /// How many rounds; at least one.
    pub rounds: usize,
    /// How long the whole may take. Open loops at low rates need their time, and come on top.
    pub time: Duration,
    /// What is set on mechanisms.
    pub tuning: Tuning,
    /// What the order and the bytes are drawn from.
    pub seed: u64,
    /// Deadlines.
    pub deadlines: Deadlines,
    /// The `echospec` program, which is launched as client.
    pub client: PathBuf,
}

/// The largest message that a comparison takes, in bytes: 16 MiB.
pub const LARGEST: usize = 16 * 1024 * 1024;

/// An open loop measures at least so many messages in a round.
const FEWEST: f64 = 3.0;

impl Measure {
    /// Every measure, in the order that help and tables show them.
    pub const ALL: [Measure; 3] = [Measure::RoundTrip, Measure::Throughput, Measure::Connections];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Measure::RoundTrip => "round-trip",
            Measure::Throughput => "throughput",
            Measure::Connections => "connections",
        }
    }

    /// The measure called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Measure> {
        Measure::ALL.into_iter().find(|measure| measure.name() == name)
    }
}

impl Wish {
    /// The tasks of a contender, without their times.
    #[must_use]
    pub fn tasks(&self, contender: &Contender) -> Vec<Task> {
        let connects = contender.spec.capabilities().contains(Capabilities::CONNECTIONS);
        let first = self.sizes.first().copied();
        let mut tasks = Vec::new();
        for &measure in &self.measures {
            match measure {
                Measure::RoundTrip | Measure::Throughput => {
                    tasks.extend(self.sizes.iter().map(|&size| Task::new(measure, size, None)));
                }
                Measure::Connections if connects => {
                    tasks.extend(first.map(|size| Task::new(measure, size, None)));
                }
                Measure::Connections => {}
            }
        }
        let rates = self.rates.iter().filter_map(|&rate| Some((first?, rate)));
        tasks.extend(rates.map(|(size, rate)| Task::new(Measure::RoundTrip, size, Some(rate))));
        tasks
    }
}

impl Task {
    /// A task that has no times yet.
    #[must_use]
    pub fn new(measure: Measure, size: usize, rate: Option<f64>) -> Task {
        Task { measure, size, rate, warm_up: Duration::ZERO, timed: Duration::ZERO }
    }

    /// With these times; an open loop takes as long as it needs for a few messages, and is warmed up by one.
    #[must_use]
    pub fn lasting(self, timed: Duration, warm_up: Duration) -> Task {
        match self.rate {
            Some(rate) => Task {
                timed: timed.max(Duration::from_secs_f64(FEWEST / rate)),
                warm_up: warm_up.min(Duration::from_secs_f64(1.0 / rate)),
                ..self
            },
            None => Task { timed, warm_up, ..self },
        }
    }

    /// Whether `other` asks the same, whatever its times.
    #[must_use]
    pub fn is_like(&self, other: &Task) -> bool {
        (self.measure, self.size, self.rate) == (other.measure, other.size, other.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_rate_takes_the_time_that_it_needs() {
        let short = Duration::from_millis(10);
        let slow = Task::new(Measure::RoundTrip, 64, Some(1.0)).lasting(short, short);
        assert_eq!((slow.timed, slow.warm_up), (Duration::from_secs(3), short));
        let closed = Task::new(Measure::RoundTrip, 64, None).lasting(short, short);
        assert_eq!(closed.timed, short);
    }

    #[test]
    fn names_lead_back_to_their_measures() {
        assert!(Measure::ALL.iter().all(|it| Measure::named(it.name()) == Some(*it)));
    }
}

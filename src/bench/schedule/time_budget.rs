//! How long each measurement may last, so that the whole keeps to its time.

use std::time::Duration;

use crate::bench::session::job::Task;

/// The least that makes a figure, and the most from which more rounds would be worth more.
const SHORTEST: Duration = Duration::from_millis(4);
const LONGEST: Duration = Duration::from_millis(500);

/// Of each measurement, the part in which nothing counts yet.
const WARM_UP: f64 = 0.2;

/// What is kept back for rounds that must be repeated, and for what was estimated too low.
pub(in crate::bench) const RESERVE: f64 = 0.15;

/// The times of each task that has no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// What counts.
    pub timed: Duration,
    /// What goes before it.
    pub warm_up: Duration,
}

impl Length {
    /// Just to see whether something works.
    pub const BRIEF: Length = Length { timed: Duration::from_millis(1), warm_up: Duration::ZERO };

    /// Shares `time` out among `rounds` of `sessions`, each with its tasks, of which each costs `overhead` beside them.
    #[must_use]
    pub fn share(time: Duration, rounds: usize, sessions: &[&[Task]], overhead: Duration) -> Length {
        let closed = |tasks: &&[Task]| tasks.iter().filter(|task| task.rate.is_none()).count();
        let tasks = rounds * sessions.iter().map(closed).sum::<usize>();
        let launches = overhead.as_secs_f64() * (rounds * sessions.len()) as f64;
        let left = (time.as_secs_f64() * (1.0 - RESERVE) - launches).max(0.0);
        let each = Duration::from_secs_f64(left / tasks.max(1) as f64);
        Length {
            timed: each.mul_f64(1.0 - WARM_UP).clamp(SHORTEST, LONGEST),
            warm_up: each.mul_f64(WARM_UP).clamp(SHORTEST / 4, LONGEST / 4),
        }
    }

    /// How long one session with `tasks` will take.
    #[must_use]
    pub fn session(self, tasks: &[Task], overhead: Duration) -> Duration {
        let lasting = tasks.iter().map(|task| task.lasting(self.timed, self.warm_up));
        overhead + lasting.map(|task| task.timed + task.warm_up).sum::<Duration>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::comparison::Measure;

    const TASK: Task = Task {
        measure: Measure::RoundTrip,
        size: 64,
        rate: None,
        warm_up: Duration::ZERO,
        timed: Duration::ZERO,
    };

    #[test]
    fn the_whole_keeps_to_its_time() {
        let tasks = [TASK; 5];
        let sessions = [&tasks[..]; 12];
        let (time, overhead) = (Duration::from_secs(50), Duration::from_millis(30));
        let length = Length::share(time, 10, &sessions, overhead);
        let whole = length.session(&tasks, overhead) * 12 * 10;
        assert!(whole <= time && whole > time.mul_f64(0.7), "{whole:?}");
    }

    #[test]
    fn even_without_time_something_is_measured() {
        let length = Length::share(Duration::ZERO, 10, &[&[TASK]], Duration::from_secs(1));
        assert_eq!(length.timed, SHORTEST);
    }
}

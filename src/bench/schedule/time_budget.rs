//! Divides the time of a run among its measurements.

use std::time::Duration;

use crate::bench::session::job::Task;

/// Minimum duration of the timed part of a measurement.
const MIN_TIMED: Duration = Duration::from_millis(4);

/// Maximum duration of the timed part of a measurement. More rounds are worth more than longer ones.
const MAX_TIMED: Duration = Duration::from_millis(500);

/// The share of each measurement that is used for warm-up.
const WARM_UP: f64 = 0.2;

/// The share of a comparison's time that is reserved for repeated sessions and for estimates that were too low.
pub(in crate::bench) const RESERVED_SHARE: f64 = 0.15;

/// The division of a comparison's time among its rounds, sessions and tasks.
#[derive(Debug)]
pub(in crate::bench) struct TimeBudget {
    /// The time for all rounds of a comparison, without open loops.
    pub total: Duration,
    /// The durations of warm-up and measurement of each task.
    pub task: TaskDurations,
    /// The time that a session takes in addition to its measurements.
    pub session_overhead: Duration,
}

/// The durations of warm-up and measurement of each task that has no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskDurations {
    /// The duration of the timed part of a measurement.
    pub timed: Duration,
    /// The duration of a measurement's warm-up, before the timed part.
    pub warm_up: Duration,
}

impl TaskDurations {
    /// The shortest durations of a measurement, to find out whether it works at all.
    pub const SHORTEST: TaskDurations =
        TaskDurations { timed: Duration::from_millis(1), warm_up: Duration::ZERO };

    /// Divides `time` among `rounds` of `sessions`, and returns the durations of each task. Each session has its
    /// tasks, and takes `overhead` in addition.
    #[must_use]
    pub fn divide_time(
        time: Duration,
        rounds: usize,
        sessions: &[&[Task]],
        overhead: Duration,
    ) -> TaskDurations {
        let closed = |tasks: &&[Task]| tasks.iter().filter(|task| task.rate.is_none()).count();
        let tasks = rounds * sessions.iter().map(closed).sum::<usize>();
        let launches = overhead.as_secs_f64() * (rounds * sessions.len()) as f64;
        let left = (time.as_secs_f64() * (1.0 - RESERVED_SHARE) - launches).max(0.0);
        let each = Duration::from_secs_f64(left / tasks.max(1) as f64);
        TaskDurations {
            timed: each.mul_f64(1.0 - WARM_UP).clamp(MIN_TIMED, MAX_TIMED),
            warm_up: each.mul_f64(WARM_UP).clamp(MIN_TIMED / 4, MAX_TIMED / 4),
        }
    }

    /// Returns the duration of one session that measures `tasks`.
    #[must_use]
    pub fn session_duration(self, tasks: &[Task], overhead: Duration) -> Duration {
        overhead + self.sum(tasks.iter())
    }

    /// Returns the duration of all open loops among `tasks`.
    pub fn open_loop_duration<'a>(self, tasks: impl Iterator<Item = &'a Task>) -> Duration {
        self.sum(tasks.filter(|task| task.rate.is_some()))
    }

    fn sum<'a>(self, tasks: impl Iterator<Item = &'a Task>) -> Duration {
        tasks
            .map(|task| task.with_durations(self.timed, self.warm_up))
            .map(|task| task.timed + task.warm_up)
            .sum()
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
    fn all_sessions_fit_into_the_time() {
        let tasks = [TASK; 5];
        let sessions = [&tasks[..]; 12];
        let (time, overhead) = (Duration::from_secs(50), Duration::from_millis(30));
        let times = TaskDurations::divide_time(time, 10, &sessions, overhead);
        let whole = times.session_duration(&tasks, overhead) * 12 * 10;
        assert!(whole <= time && whole > time.mul_f64(0.7), "{whole:?}");
    }

    #[test]
    fn without_time_each_task_gets_the_minimum() {
        let times = TaskDurations::divide_time(Duration::ZERO, 10, &[&[TASK]], Duration::from_secs(1));
        assert_eq!(times.timed, MIN_TIMED);
    }
}

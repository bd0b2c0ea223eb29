//! The time that a run of checks still takes, as far as that can be said.

use super::record::CheckFinished;

/// The checks that take far longer than most with a healthy server, each with its ratio to the median check. The run
/// itself tells how fast this server and this machine are.
const COSTS: &[(&str, f64)] = &[
    ("echo/full-duplex", 5.0),
    ("echo/half-close", 8.0),
    ("echo/slow-reader", 5.0),
    ("fd/lent-listener-outlives-it", 5.0),
    ("fd/listen-pid-of-another", 8.0),
    ("fd/no-leak", 4.0),
    ("fd/no-leak-after-resets", 3.0),
    ("fd/nonblocking-listener", 5.0),
    ("fd/serves-every-listener", 5.0),
    ("fd/serves-passed-listener", 4.0),
    ("life/ends-on-sigterm", 3.0),
    ("life/ends-with-its-client", 7.0),
    ("life/survives-reset", 3.0),
    ("load/beyond-fd-setsize", 5.0),
    ("load/bounded-buffering", 3.0),
    ("load/full-queue-blocks-none", 8.0),
    ("load/idle", 3.0),
    ("load/idle-client", 8.0),
    ("load/idle-while-stalled", 6.0),
    ("load/no-cross-talk", 3.0),
    ("load/no-thread-leak", 3.0),
    ("load/out-of-descriptors", 8.0),
    ("load/out-of-processes", 3.0),
    ("load/slow-client-blocks-none", 3.0),
    ("path/many-clients", 3.0),
    ("path/regular-file", 3.0),
    ("stdio/input-from-file", 3.0),
    ("stdio/nonblocking-output", 4.0),
];

/// The ratio of any other check.
const USUAL: f64 = 1.0;

/// The share of all checks, by their cost, that must have ended before the rest can be said.
const LEAST: f64 = 0.15;

/// The time that a run still takes.
#[derive(Debug)]
pub(super) struct RemainingTime {
    total: f64,
    done: f64,
    /// Milliseconds from the start of the run to the last event.
    now: f64,
    /// Milliseconds from the start of the run to the start of the first check.
    began: Option<f64>,
}

impl RemainingTime {
    /// Returns the time that a run of checks with these ids takes.
    pub fn new(ids: &[String]) -> RemainingTime {
        RemainingTime { total: ids.iter().map(|id| cost(id)).sum(), done: 0.0, now: 0.0, began: None }
    }

    /// Notes that a check begins.
    pub fn started(&mut self, _check: &str, at_millis: f64) {
        self.began.get_or_insert(at_millis);
        self.now = at_millis;
    }

    /// Notes that a check has ended.
    pub fn finished(&mut self, check: &CheckFinished) {
        self.done += cost(&check.check);
        self.now = check.at_millis;
    }

    /// Returns the remaining time in words: `about 20 s left`. Returns nothing before enough checks have ended.
    pub fn text(&self) -> Option<String> {
        let elapsed = (self.now - self.began?) / 1000.0;
        let is_known = self.done >= LEAST * self.total && elapsed >= 2.0;
        let left = is_known.then(|| elapsed * (self.total - self.done) / self.done)?;
        Some(match left {
            _ if left < 5.0 => "a few seconds left".into(),
            _ if left < 90.0 => format!("about {:.0} s left", (left / 5.0).round() * 5.0),
            _ => format!("about {:.0} min left", left / 60.0),
        })
    }
}

fn cost(id: &str) -> f64 {
    COSTS.iter().find(|(check, _)| *check == id).map_or(USUAL, |(_, ratio)| *ratio)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::all_checks;

    #[test]
    fn every_cost_is_that_of_a_check() {
        for (id, _) in COSTS {
            assert!(all_checks().any(|check| check.id == *id), "{id}");
        }
    }

    #[test]
    fn the_rest_is_said_once_enough_is_known() {
        let ids: Vec<String> = (0..10).map(|number| format!("x/{number}")).collect();
        let mut left = RemainingTime::new(&ids);
        left.started("x/0", 1000.0);
        assert_eq!(left.text(), None);
        (left.done, left.now) = (2.0 * USUAL, 2000.0);
        assert_eq!(left.text(), None, "one second is too short");
        left.now = 6000.0;
        assert_eq!(left.text().unwrap(), "about 20 s left");
        (left.done, left.now) = (9.0 * USUAL, 19_000.0);
        assert_eq!(left.text().unwrap(), "a few seconds left");
        (left.done, left.now) = (2.0 * USUAL, 61_000.0);
        assert_eq!(left.text().unwrap(), "about 4 min left");
    }
}

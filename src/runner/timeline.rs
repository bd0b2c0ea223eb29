//! The steps of one check, recorded while it runs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::trace::{Step, Trace};

/// The number of steps that a timeline keeps from the beginning of a check, and from its end.
const KEPT: usize = 100;

/// The steps of clients and server during one check, in order.
///
/// A check may have millions of steps. A timeline keeps the first and the last hundred.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The first steps of the check.
    pub first: Vec<Step>,
    /// The number of steps that were left out between the first and the last.
    pub omitted: usize,
    /// The last steps of the check. Empty if all steps fit into the first.
    pub last: VecDeque<Step>,
}

impl Timeline {
    fn push(&mut self, step: Step) {
        if self.first.len() < KEPT {
            self.first.push(step);
            return;
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
            self.omitted += 1;
        }
        self.last.push_back(step);
    }
}

/// Records the steps of one check into a timeline, from the calling thread's trace.
pub(super) struct Recorder {
    timeline: Arc<Mutex<Timeline>>,
    trace: Trace,
}

impl Recorder {
    pub fn new() -> Recorder {
        let timeline = Arc::new(Mutex::new(Timeline::default()));
        let recorded = Arc::clone(&timeline);
        let push = move |step| recorded.lock().unwrap_or_else(PoisonError::into_inner).push(step);
        Recorder { timeline, trace: Trace::new(push) }
    }

    /// Calls `act` and records what clients and servers do meanwhile. A trace that the thread already has keeps
    /// its listener, and nothing is recorded here.
    pub fn record<T>(&self, act: impl FnOnce() -> T) -> T {
        if Trace::of_thread().is_recorded() {
            return act();
        }
        let _recorded = self.trace.enter();
        act()
    }

    /// Returns the steps recorded so far.
    pub fn timeline(&self) -> Timeline {
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::trace::{Action, Actor};

    #[test]
    fn keeps_the_first_and_the_last_steps() {
        let mut timeline = Timeline::default();
        for millis in 0..250 {
            let at = Duration::from_millis(millis);
            timeline.push(Step { at, actor: Actor::Client(1), action: Action::Closes });
        }
        let millis = |step: &Step| step.at.as_millis();
        assert_eq!(timeline.first.last().map(millis), Some(99));
        assert_eq!(timeline.omitted, 50);
        assert_eq!(timeline.last.front().map(millis), Some(150));
        assert_eq!(timeline.last.back().map(millis), Some(249));
    }
}

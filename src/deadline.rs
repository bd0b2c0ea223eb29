//! How long the harness waits, and the one place where it does.
//!
//! Nothing here makes a check pass by waiting: a deadline only bounds how long a hang is watched. All of
//! them are stretched by one factor, and all end at once when the user interrupts the run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollTimeout, poll};

use crate::check::Finding;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Ends every wait in this process: checks under way are given up, none is begun.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::SeqCst);
}

/// Whether [`interrupt`] has been called.
#[must_use]
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Every deadline of the harness, each multiplied by one factor.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    scale: f64,
}

/// The environment variable that stretches every deadline of a run, for slow machines such as hosted CI.
pub const SCALE: &str = "ECHOSPEC_TIMEOUT_SCALE";

impl Default for Deadlines {
    /// As the environment variable [`SCALE`] says; unstretched where it is absent or no positive number.
    fn default() -> Self {
        let scale = std::env::var(SCALE).ok().and_then(|text| text.parse().ok());
        Deadlines::scaled(scale.filter(|scale| (0.01..=1000.0).contains(scale)).unwrap_or(1.0))
    }
}

impl Deadlines {
    /// All deadlines multiplied by `scale`, which must be positive and finite.
    #[must_use]
    pub fn scaled(scale: f64) -> Deadlines {
        Deadlines { scale }
    }

    /// How long a conversation may stand still before it counts as hung. 5 s.
    #[must_use]
    pub fn no_progress(self) -> Duration {
        self.of(5.0)
    }

    /// How long a server may take to become ready. 10 s.
    #[must_use]
    pub fn start(self) -> Duration {
        self.of(10.0)
    }

    /// How long a server may take to end after SIGTERM. 5 s.
    #[must_use]
    pub fn exit(self) -> Duration {
        self.of(5.0)
    }

    /// How long nothing must move for a stall to be believed. 0.3 s, and never less: TCP's timers for
    /// retransmission and window probes can hold a conversation up for 0.2 s and then let it go on.
    #[must_use]
    pub fn quiet(self) -> Duration {
        self.of(0.3).max(Duration::from_millis(300))
    }

    /// How long a client waits to be answered before the server is taken to be busy with another. 1 s.
    #[must_use]
    pub fn reply(self) -> Duration {
        self.of(1.0)
    }

    fn of(self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds * self.scale)
    }
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// At least one descriptor is ready.
    Ready,
    /// The time is over.
    Elapsed,
}

/// How often a wait looks up to see whether the user has interrupted the run.
pub(crate) const GLANCE: Duration = Duration::from_millis(50);

/// A deadline that counts only time in which this process was able to run.
///
/// A machine that was suspended, a virtual one that was paused, or a harness that was stopped with SIGTSTP finds on
/// its return that every clock has gone on: whoever looked at the clock alone would call a server hung that had
/// no chance to answer.
#[derive(Debug)]
pub(crate) struct Countdown {
    left: Duration,
    seen: Instant,
}

/// The longest gap between two looks at a [`Countdown`] that is believed to have been a wait; they are meant to
/// be a [`GLANCE`] apart.
const GAP: Duration = Duration::from_millis(250);

impl Countdown {
    pub fn new(limit: Duration) -> Countdown {
        Countdown { left: limit, seen: Instant::now() }
    }

    /// What is left of it; zero once it is over.
    pub fn left(&mut self) -> Duration {
        let now = Instant::now();
        let passed = now.saturating_duration_since(self.seen);
        self.seen = now;
        self.left = self.left.saturating_sub(passed.min(GAP));
        self.left
    }

    /// Counts all of `time`, which was spent at work until now.
    fn spend(&mut self, time: Duration) {
        self.left = self.left.saturating_sub(time);
        self.seen = Instant::now();
    }
}

/// `poll(2)` on `descriptors` for at most `limit`.
///
/// # Errors
/// [`Finding::interrupted`], or a broken harness where poll itself fails.
pub fn wait(descriptors: &mut [PollFd<'_>], limit: Duration) -> Result<Waited, Finding> {
    let mut countdown = Countdown::new(limit);
    loop {
        let left = countdown.left();
        match poll(descriptors, milliseconds(left.min(GLANCE))) {
            Ok(0) | Err(nix::Error::EINTR) => {}
            Ok(_) => return Ok(Waited::Ready),
            Err(error) => return Err(Finding::broken("poll(2)", error.to_string())),
        }
        if interrupted() {
            return Err(Finding::interrupted());
        }
        if left.is_zero() {
            return Ok(Waited::Elapsed);
        }
    }
}

/// Rounded up, so that the last slice of a wait does not spin.
fn milliseconds(time: Duration) -> PollTimeout {
    PollTimeout::try_from(time.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX)
}

/// Calls `look` until it answers, at growing intervals of 1 to 20 ms, for at most `limit`.
///
/// For states of the kernel that no event announces: a socket that begins to listen, a descriptor that
/// another process closes.
///
/// # Errors
/// Those of `look`, and [`Finding::interrupted`].
pub fn until<T>(
    limit: Duration,
    mut look: impl FnMut() -> Result<Option<T>, Finding>,
) -> Result<Option<T>, Finding> {
    let mut countdown = Countdown::new(limit);
    let mut interval = Duration::from_millis(1);
    let mut last_chance = true;
    loop {
        countdown.left();
        let began = Instant::now();
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        let took = began.elapsed();
        countdown.spend(took);
        if countdown.left().is_zero() {
            // Whether a look was long, or interrupted by a pause of the machine, cannot be told: it is repeated once.
            if took < GAP || !std::mem::take(&mut last_chance) {
                return Ok(None);
            }
        }
        wait(&mut [], interval)?;
        interval = (interval * 2).min(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_of_the_whole_machine_takes_little_off_a_deadline() {
        let limit = Duration::from_secs(5);
        let paused = Instant::now().checked_sub(Duration::from_secs(3600)).unwrap();
        let mut countdown = Countdown { left: limit, seen: paused };
        assert_eq!(countdown.left(), limit - GAP);
    }

    #[test]
    fn long_looks_use_a_deadline_up() {
        let mut looks = 0;
        let found = until(Duration::from_millis(500), || {
            looks += 1;
            wait(&mut [], GAP + GLANCE).map(|_| None::<()>)
        });
        assert_eq!((found.unwrap(), looks), (None, 3));
    }

    #[test]
    fn waiting_uses_a_deadline_up() {
        assert_eq!(wait(&mut [], Duration::from_millis(60)).unwrap(), Waited::Elapsed);
    }
}

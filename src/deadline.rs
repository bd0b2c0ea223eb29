//! Every time limit of the harness, and the waits that they bound.
//!
//! A deadline only bounds how long a hang is watched; no check passes by waiting. One factor scales all of
//! them. All waits of a run end at once when the run is [interrupted](Interrupt).

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollTimeout, poll};

use crate::check::Finding;

/// A request to end a run early. Clones share one state, so that another thread can end the run.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

/// The interrupt of the `echospec` program. It applies to every thread that has [entered](Interrupt::enter) no other.
static OF_PROGRAM: LazyLock<Interrupt> = LazyLock::new(Interrupt::default);

thread_local! {
    static OF_THREAD: RefCell<Interrupt> = RefCell::new(OF_PROGRAM.clone());
}

impl Interrupt {
    /// Returns an interrupt that is not yet triggered.
    #[must_use]
    pub fn new() -> Interrupt {
        Interrupt::default()
    }

    /// Triggers the interrupt, which ends every wait of the run and starts no further check. This cannot be undone.
    pub fn trigger(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the interrupt has been triggered.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Returns the interrupt that ends the waits of the calling thread.
    pub(crate) fn of_thread() -> Interrupt {
        OF_THREAD.with_borrow(Clone::clone)
    }

    /// Makes this interrupt end the waits of the calling thread until the returned value is dropped.
    pub(crate) fn enter(&self) -> EnteredInterrupt {
        EnteredInterrupt { former: OF_THREAD.replace(self.clone()) }
    }
}

/// Guard returned by [`Interrupt::enter`]: while it exists, the thread's waits end with that interrupt.
#[must_use = "the thread returns to its former interrupt when this is dropped"]
pub(crate) struct EnteredInterrupt {
    former: Interrupt,
}

impl Drop for EnteredInterrupt {
    fn drop(&mut self) {
        OF_THREAD.set(std::mem::take(&mut self.former));
    }
}

/// Interrupts the `echospec` program: ends the waits of all its threads.
pub fn interrupt_program() {
    OF_PROGRAM.trigger();
}

/// Whether the calling thread's run was interrupted.
#[must_use]
pub fn is_interrupted() -> bool {
    OF_THREAD.with_borrow(Interrupt::is_triggered)
}

/// The deadlines of one run, all multiplied by one factor.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    scale: f64,
}

/// The environment variable that scales every deadline, for slow machines such as hosted CI.
pub const SCALE_VARIABLE: &str = "ECHOSPEC_TIMEOUT_SCALE";

impl Default for Deadlines {
    /// Returns the deadlines scaled by the environment variable [`SCALE_VARIABLE`], or by 1 if that is absent or not a
    /// number from 0.01 to 1000.
    fn default() -> Self {
        let scale = std::env::var(SCALE_VARIABLE).ok().and_then(|text| text.parse().ok());
        Deadlines::scaled(scale.filter(|scale| (0.01..=1000.0).contains(scale)).unwrap_or(1.0))
    }
}

impl Deadlines {
    /// Returns the deadlines multiplied by `scale`, which must be positive and finite.
    #[must_use]
    pub fn scaled(scale: f64) -> Deadlines {
        Deadlines { scale }
    }

    /// Returns the factor by which all deadlines are multiplied.
    #[must_use]
    pub fn scale(self) -> f64 {
        self.scale
    }

    /// Returns the time after which an exchange without any progress counts as hung: 5 s.
    #[must_use]
    pub fn no_progress(self) -> Duration {
        self.of(5.0)
    }

    /// Returns the time that a server may take to become ready: 10 s.
    #[must_use]
    pub fn start(self) -> Duration {
        self.of(10.0)
    }

    /// Returns the time that a server may take to exit after SIGTERM: 5 s.
    #[must_use]
    pub fn exit(self) -> Duration {
        self.of(5.0)
    }

    /// Returns the time without any traffic after which a server counts as waiting: 0.3 s, and never less. TCP's
    /// timers for retransmission and window probes can delay an exchange by 0.2 s.
    #[must_use]
    pub fn quiet(self) -> Duration {
        self.of(0.3).max(Duration::from_millis(300))
    }

    /// Returns the time that a client waits for a reply before it assumes that the server is busy with another client:
    /// 1 s.
    #[must_use]
    pub fn reply(self) -> Duration {
        self.of(1.0)
    }

    fn of(self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds * self.scale)
    }
}

/// The reason why a wait for descriptors ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitOutcome {
    /// The wait ended because at least one descriptor is ready.
    Ready,
    /// The wait ended because its time limit passed before a descriptor was ready.
    Elapsed,
}

/// The interval at which a wait checks whether it was interrupted.
pub(crate) const INTERRUPT_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// A deadline that counts only time in which this process could run.
///
/// Clocks go on while the machine is suspended, while a virtual machine is paused, and while this process is
/// stopped by SIGTSTP. In that time the server cannot answer either, so it must not count.
#[derive(Debug)]
pub(crate) struct Countdown {
    left: Duration,
    seen: Instant,
}

/// The longest gap between two calls to a [`Countdown`] that counts in full. The calls should be
/// [`INTERRUPT_CHECK_INTERVAL`] apart, so a longer gap means that the machine or this process was paused.
const MAX_COUNTED_GAP: Duration = Duration::from_millis(250);

impl Countdown {
    pub fn new(limit: Duration) -> Countdown {
        Countdown { left: limit, seen: Instant::now() }
    }

    /// Returns the time left until the deadline, or zero once the deadline has passed.
    pub fn left(&mut self) -> Duration {
        let now = Instant::now();
        let passed = now.saturating_duration_since(self.seen);
        self.seen = now;
        self.left = self.left.saturating_sub(passed.min(MAX_COUNTED_GAP));
        self.left
    }

    /// Subtracts `time`, in which this process was at work, from the time left until the deadline.
    fn spend(&mut self, time: Duration) {
        self.left = self.left.saturating_sub(time);
        self.seen = Instant::now();
    }
}

/// Waits with `poll(2)` until one of `descriptors` is ready, for at most `limit`.
///
/// # Errors
/// [`Finding::interrupted`], or a broken harness where poll itself fails.
pub fn wait(descriptors: &mut [PollFd<'_>], limit: Duration) -> Result<WaitOutcome, Finding> {
    let mut countdown = Countdown::new(limit);
    loop {
        let left = countdown.left();
        match poll(descriptors, milliseconds(left.min(INTERRUPT_CHECK_INTERVAL))) {
            Ok(0) | Err(nix::Error::EINTR) => {}
            Ok(_) => return Ok(WaitOutcome::Ready),
            Err(error) => return Err(Finding::broken("poll(2)", error.to_string())),
        }
        if is_interrupted() {
            return Err(Finding::interrupted());
        }
        if left.is_zero() {
            return Ok(WaitOutcome::Elapsed);
        }
    }
}

/// Converts a duration to a timeout of poll(2). Rounds up, so that the last part of a wait does not become a busy loop.
fn milliseconds(time: Duration) -> PollTimeout {
    PollTimeout::try_from(time.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX)
}

/// Calls `look` until it returns a value, at growing intervals of 1 to 20 ms, for at most `limit`.
///
/// For changes that the kernel reports by no event: a socket that begins to listen, a descriptor that another
/// process closes.
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
            // A long look and a pause of the machine cannot be told apart, so a long last look is repeated once.
            if took < MAX_COUNTED_GAP || !std::mem::take(&mut last_chance) {
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
    fn counts_little_of_a_pause() {
        let limit = Duration::from_secs(5);
        let paused = Instant::now().checked_sub(Duration::from_secs(3600)).unwrap();
        let mut countdown = Countdown { left: limit, seen: paused };
        assert_eq!(countdown.left(), limit - MAX_COUNTED_GAP);
    }

    #[test]
    fn counts_long_looks() {
        let mut looks = 0;
        let found = until(Duration::from_millis(500), || {
            looks += 1;
            wait(&mut [], MAX_COUNTED_GAP + INTERRUPT_CHECK_INTERVAL).map(|_| None::<()>)
        });
        // The last look is repeated. On a busy machine the first one may be the last.
        assert!(found.unwrap().is_none() && (2..=3).contains(&looks), "{looks} looks");
    }

    #[test]
    fn counts_waiting() {
        assert_eq!(wait(&mut [], Duration::from_millis(60)).unwrap(), WaitOutcome::Elapsed);
    }

    #[test]
    fn an_interrupt_ends_the_waits_of_its_own_threads_only() {
        let interrupt = Interrupt::new();
        interrupt.trigger();
        let entered = interrupt.enter();
        assert_eq!(wait(&mut [], Duration::from_secs(60)), Err(Finding::interrupted()));
        let other = std::thread::spawn(|| wait(&mut [], Duration::from_millis(1)));
        assert_eq!(other.join().unwrap(), Ok(WaitOutcome::Elapsed));
        drop(entered);
        assert_eq!(wait(&mut [], Duration::from_millis(1)), Ok(WaitOutcome::Elapsed));
    }
}

//! Signals to the program: the first Ctrl-C ends the run cleanly, the second at once.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::bench::schedule::progress;
use crate::deadline::{self, Countdown, INTERRUPT_CHECK_INTERVAL};
use crate::runner::Event;
use crate::server::sweep;
use crate::sys::{STATUS_SIGNALS, end_launches};

static RECEIVED: AtomicI32 = AtomicI32::new(0);

/// Installs the handlers of the signals that interrupt the program or ask for its progress.
///
/// The first SIGINT, SIGTERM or SIGHUP interrupts every wait, so that the run ends and cleans up. The second
/// one, or 20 s without an end, kills all descendants and exits. SIGUSR1, and SIGINFO (Ctrl-T) where it exists, prints which
/// checks are running.
///
/// # Errors
/// Those of `sigaction(2)`, `pipe(2)` and pthread_create(3).
pub fn watch_signals() -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP].iter().chain(STATUS_SIGNALS))?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if STATUS_SIGNALS.contains(&signal) {
                anstream::eprintln!(
                    "echospec: {}",
                    progress::describe_progress().unwrap_or_else(running_checks)
                );
                continue;
            }
            if RECEIVED.swap(signal, Ordering::SeqCst) != 0 {
                end_at_once(signal);
            }
            deadline::interrupt_program();
            let net = thread::Builder::new().name("end".into());
            let _ = net.spawn(move || end_after(END_TIME, signal));
        }
    })?;
    Ok(())
}

/// The time in which an interrupted run ends and cleans up. Output that no process reads, or a file system that does
/// not answer, can block the run longer. Then the program exits at once.
const END_TIME: Duration = Duration::from_secs(20);

/// Ends the program after `limit`, unless it has ended by then. `signal` determines the exit code.
fn end_after(limit: Duration, signal: i32) -> ! {
    let mut countdown = Countdown::new(limit);
    while !countdown.left().is_zero() {
        thread::park_timeout(INTERRUPT_CHECK_INTERVAL);
    }
    end_at_once(signal)
}

/// The checks that are running, and since when. SIGUSR1 and SIGINFO print them.
static RUNNING: Mutex<Vec<(&'static str, Instant)>> = Mutex::new(Vec::new());

/// Records which checks are running, so that SIGUSR1 and SIGINFO can print them.
pub fn record_running_checks(event: &Event<'_>) {
    match event {
        Event::Started(..) => {}
        Event::CheckStarted(check) => running().push((check.id, Instant::now())),
        Event::CheckFinished(result) => running().retain(|(id, _)| *id != result.check.id),
    }
}

/// Lists the running checks in one line.
fn running_checks() -> String {
    let tell = |(id, began): &(&str, Instant)| format!("{id} for {:.1} s", began.elapsed().as_secs_f64());
    let list: Vec<_> = running().iter().map(tell).collect();
    if list.is_empty() { "no check is under way".into() } else { list.join(", ") }
}

fn running() -> MutexGuard<'static, Vec<(&'static str, Instant)>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the signal that interrupted the program, or `None`.
#[must_use]
pub fn received_signal() -> Option<i32> {
    Some(RECEIVED.load(Ordering::SeqCst)).filter(|&signal| signal != 0)
}

fn end_at_once(signal: i32) -> ! {
    // A check that runs on would launch a server that is swept no more.
    end_launches();
    sweep();
    std::process::exit(i32::from(super::exit::SIGNAL_BASE) + signal);
}

//! Signals to the program: the first Ctrl-C ends the run cleanly, the second at once.

use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::bench::schedule::progress;
use crate::deadline;
use crate::runner::under_way;
use crate::server::sweep;
use crate::sys::STATUS_SIGNALS;

static RECEIVED: AtomicI32 = AtomicI32::new(0);

/// Installs the signal handlers.
///
/// The first SIGINT, SIGTERM or SIGHUP interrupts every wait, so that the run ends and cleans up. The second kills
/// all descendants and exits. SIGUSR1, and SIGINFO (Ctrl-T) where it exists, prints which checks are running.
///
/// # Errors
/// Those of `sigaction(2)` and `pipe(2)`.
pub fn watch() -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP].iter().chain(STATUS_SIGNALS))?;
    thread::spawn(move || {
        for signal in signals.forever() {
            if STATUS_SIGNALS.contains(&signal) {
                anstream::eprintln!("echospec: {}", progress::under_way().unwrap_or_else(under_way));
                continue;
            }
            if RECEIVED.swap(signal, Ordering::SeqCst) != 0 {
                end_at_once(signal);
            }
            deadline::interrupt();
        }
    });
    Ok(())
}

/// The signal that interrupted the run, if one did.
#[must_use]
pub fn received() -> Option<i32> {
    Some(RECEIVED.load(Ordering::SeqCst)).filter(|&signal| signal != 0)
}

fn end_at_once(signal: i32) -> ! {
    sweep();
    std::process::exit(i32::from(super::exit::SIGNAL) + signal);
}

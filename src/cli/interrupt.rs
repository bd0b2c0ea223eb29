//! Ctrl-C: the first ends the run cleanly, the second at once.

use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::bench::schedule::progress;
use crate::deadline;
use crate::runner::under_way;
use crate::server::sweep;
use crate::sys::QUESTIONS;

static RECEIVED: AtomicI32 = AtomicI32::new(0);

/// From now on the first SIGINT, SIGTERM or SIGHUP interrupts every wait, so that the run ends by itself
/// and tidies up; the second kills all descendants and ends this process. SIGUSR1, and Ctrl-T where terminals
/// know it (SIGINFO), has it say what is under way.
///
/// # Errors
/// Those of `sigaction(2)` and `pipe(2)`.
pub fn watch() -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP].iter().chain(QUESTIONS))?;
    thread::spawn(move || {
        for signal in signals.forever() {
            if QUESTIONS.contains(&signal) {
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

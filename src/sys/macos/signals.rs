//! Signals. macOS has no sigqueue(3).

use nix::libc;

pub use crate::sys::unsupported::signals::{QueuedSignals, signal_sets};

/// The signals with which a user asks a running program for its status. A terminal sends SIGINFO for Ctrl-T.
///
/// Verified: type-checked.
pub const STATUS_SIGNALS: &[i32] = &[libc::SIGUSR1, libc::SIGINFO];

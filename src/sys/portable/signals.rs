//! Signals: macOS has no sigqueue(3).

pub use crate::sys::linux::signals::STATUS_SIGNALS;
pub use crate::sys::unsupported::signals::{QueuedSignals, signal_sets};

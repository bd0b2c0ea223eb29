//! Signals, and clients that go wrong.

use super::Check;

mod ends_on_sigterm;
mod survives_reset;

pub(super) const CHECKS: &[&Check] = &[&survives_reset::CHECK, &ends_on_sigterm::CHECK];

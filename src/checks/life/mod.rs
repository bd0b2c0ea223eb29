//! Signals, and clients that go wrong.

use super::Check;

mod ends_on_sigterm;
mod survives_reset;
mod survives_vanished;

pub(super) const CHECKS: &[&Check] = &[
    &survives_reset::CHECK,
    &survives_vanished::VANISHED,
    &survives_vanished::UNNAMED,
    &ends_on_sigterm::CHECK,
];

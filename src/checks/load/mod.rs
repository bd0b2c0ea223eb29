//! Slow clients, many clients, and what a server runs out of.

use super::Check;

mod idle;

pub(super) const CHECKS: &[&Check] = &[&idle::CHECK, &idle::STALLED];

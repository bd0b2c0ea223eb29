//! The comparison of mechanisms: `echospec compare`.
//!
//! [`compare`] is where to start. It follows a [`plan`]: for each [`candidate`] and [`placement`], the [`schedule`] holds
//! a [`session`] in every round, in which a [`client`] process measures a server process. From the samples come the
//! [`comparison`] and its warnings; [`report`] shows it, [`saved`] keeps it, and [`change`] compares it with a later one.

pub mod candidate;
pub mod change;
pub mod client;
pub mod compare;
pub mod comparison;
pub mod floors;
pub mod machine;
pub mod mechanism;
pub mod method;
pub mod parameters;
pub mod placement;
pub mod plan;
pub mod report;
mod results;
pub mod saved;
pub mod schedule;
pub mod session;
pub mod statistics;
mod warnings;

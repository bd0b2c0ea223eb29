//! The comparison half: which mechanism, in numbers that hold up.

pub mod accounts;
mod assemble;
mod batches;
mod budget;
pub mod change;
pub mod client;
pub mod compare;
pub mod conditions;
pub mod contender;
mod disturbance;
mod doubts;
mod entry;
pub mod figures;
pub mod floors;
pub mod job;
pub mod machine;
pub mod mechanism;
pub mod method;
pub mod placement;
pub mod processors;
pub mod progress;
pub mod report;
mod schedule;
pub mod session;
pub mod statistics;
pub mod wish;

//! The comparison half: which mechanism, in numbers that hold up.

pub mod accounts;
pub mod figures;
pub mod floors;
pub mod mechanism;
pub mod processors;

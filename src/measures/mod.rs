//! The comparison half: which mechanism, in numbers that hold up.

pub mod change;
pub mod figures;
pub mod mechanism;

//! No count of how busy processors are.

use std::io;

use super::unsupported;
use crate::sys::types::Occupation;

pub const OCCUPATION_SOURCE: &str = "no counter";

pub fn occupation(_processors: &[usize]) -> io::Result<Occupation> {
    unsupported("how busy processors are is not told on this system")
}

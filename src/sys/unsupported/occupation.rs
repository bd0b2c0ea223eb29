//! No count of how busy processors are.

use std::io;

use super::unsupported;
use crate::sys::types::ProcessorTime;

pub const OCCUPATION_SOURCE: &str = "no counter";

pub fn processor_time(_processors: &[usize]) -> io::Result<ProcessorTime> {
    unsupported("how busy processors are is not told on this system")
}

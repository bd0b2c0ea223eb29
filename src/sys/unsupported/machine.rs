//! Properties of the machine: none is known.

use std::io;

use super::unsupported;
use crate::sys::types::MachineProperty;

/// Returns an empty list: no property of this system is known.
#[must_use]
pub fn machine_properties(_processors: &[usize]) -> Vec<MachineProperty> {
    Vec::new()
}

/// Returns `Unsupported`: this system does not show the model of the processor.
pub fn processor_model() -> io::Result<String> {
    unsupported("the processor's model is not known on this system")
}

/// Returns `Unsupported`: only Linux has io_uring.
pub fn check_io_uring() -> io::Result<()> {
    unsupported("only Linux has io_uring")
}

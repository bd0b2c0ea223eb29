//! Properties of the machine: sysctl(3). macOS shows neither idle states nor governors nor stolen time.

use std::io;

use crate::sys::bsd::sysctl::{VariableType, read_property, read_text};
use crate::sys::types::MachineProperty;

#[cfg(feature = "cli")]
pub use crate::sys::unsupported::machine::check_io_uring;

/// The sysctl variables that describe the machine, in the order in which reports show them.
const VARIABLES: &[(&str, VariableType)] = &[
    ("kern.osrelease", VariableType::Text),
    ("kern.osproductversion", VariableType::Text),
    ("hw.model", VariableType::Text),
    ("hw.physicalcpu", VariableType::Number),
    ("hw.logicalcpu", VariableType::Number),
    ("hw.perflevel0.logicalcpu", VariableType::Number),
    ("hw.perflevel1.logicalcpu", VariableType::Number),
    ("hw.l1dcachesize", VariableType::Number),
    ("hw.l2cachesize", VariableType::Number),
    ("hw.l3cachesize", VariableType::Number),
    ("hw.cachelinesize", VariableType::Number),
    ("hw.pagesize", VariableType::Number),
    ("hw.tbfrequency", VariableType::Number),
    ("kern.hv_vmm_present", VariableType::Number),
    ("net.inet.tcp.sendspace", VariableType::Number),
    ("net.inet.tcp.recvspace", VariableType::Number),
    ("net.inet.tcp.delayed_ack", VariableType::Number),
    ("net.local.stream.sendspace", VariableType::Number),
    ("net.local.stream.recvspace", VariableType::Number),
    ("net.local.dgram.maxdgram", VariableType::Number),
    ("kern.ipc.maxsockbuf", VariableType::Number),
];

/// Lists the properties of the machine, in the order in which reports show it.
///
/// Verified: type-checked. A variable that does not exist is shown with its error, so compare the list with `sysctl
/// -a`.
#[must_use]
pub fn machine_properties(_processors: &[usize]) -> Vec<MachineProperty> {
    VARIABLES.iter().map(|&(name, kind)| read_property(name, kind)).collect()
}

/// Returns the processor's model.
///
/// Verified: type-checked; `sysctl -n machdep.cpu.brand_string` shows the same text.
///
/// # Errors
/// Those of sysctlbyname(3).
pub fn processor_model() -> io::Result<String> {
    read_text("machdep.cpu.brand_string")
}

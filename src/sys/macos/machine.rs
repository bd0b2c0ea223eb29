//! Properties of the machine: sysctl(3). macOS shows neither idle states nor governors nor stolen time.

use std::io;

use crate::sys::bsd::sysctl::{Kind, property, text};
use crate::sys::types::MachineProperty;

#[cfg(feature = "cli")]
pub use crate::sys::unsupported::machine::check_io_uring;

/// Kernel variables that describe the machine, in the order in which reports show them.
const VARIABLES: &[(&str, Kind)] = &[
    ("kern.osrelease", Kind::Text),
    ("kern.osproductversion", Kind::Text),
    ("hw.model", Kind::Text),
    ("hw.physicalcpu", Kind::Number),
    ("hw.logicalcpu", Kind::Number),
    ("hw.perflevel0.logicalcpu", Kind::Number),
    ("hw.perflevel1.logicalcpu", Kind::Number),
    ("hw.l1dcachesize", Kind::Number),
    ("hw.l2cachesize", Kind::Number),
    ("hw.l3cachesize", Kind::Number),
    ("hw.cachelinesize", Kind::Number),
    ("hw.pagesize", Kind::Number),
    ("hw.tbfrequency", Kind::Number),
    ("kern.hv_vmm_present", Kind::Number),
    ("net.inet.tcp.sendspace", Kind::Number),
    ("net.inet.tcp.recvspace", Kind::Number),
    ("net.inet.tcp.delayed_ack", Kind::Number),
    ("net.local.stream.sendspace", Kind::Number),
    ("net.local.stream.recvspace", Kind::Number),
    ("net.local.dgram.maxdgram", Kind::Number),
    ("kern.ipc.maxsockbuf", Kind::Number),
];

/// Lists the properties of the machine, in the order in which reports show it.
#[must_use]
pub fn machine_properties(_processors: &[usize]) -> Vec<MachineProperty> {
    VARIABLES.iter().map(|&(name, kind)| property(name, kind)).collect()
}

/// Returns the processor's model.
///
/// # Errors
/// Those of sysctlbyname(3).
pub fn processor_model() -> io::Result<String> {
    text("machdep.cpu.brand_string")
}

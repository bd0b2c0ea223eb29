//! Properties of the machine: sysctl(3).

use std::io;

use crate::sys::bsd::sysctl::{VariableType, read_property, read_text};
use crate::sys::types::MachineProperty;

#[cfg(feature = "cli")]
pub use crate::sys::unsupported::machine::check_io_uring;

/// The sysctl variables that describe the machine, in the order in which reports show them.
const VARIABLES: &[(&str, VariableType)] = &[
    ("kern.osrelease", VariableType::Text),
    ("kern.version", VariableType::Text),
    ("hw.ncpu", VariableType::Number),
    ("kern.smp.cores", VariableType::Number),
    ("kern.smp.threads_per_core", VariableType::Number),
    ("kern.vm_guest", VariableType::Text),
    ("kern.sched.name", VariableType::Text),
    ("kern.timecounter.hardware", VariableType::Text),
    ("machdep.idle", VariableType::Text),
    ("hw.acpi.cpu.cx_lowest", VariableType::Text),
    ("dev.cpu.0.freq", VariableType::Number),
    ("net.inet.tcp.cc.algorithm", VariableType::Text),
    ("net.inet.tcp.sendspace", VariableType::Number),
    ("net.inet.tcp.recvspace", VariableType::Number),
    ("net.local.stream.sendspace", VariableType::Number),
    ("net.local.stream.recvspace", VariableType::Number),
    ("net.local.dgram.maxdgram", VariableType::Number),
    ("kern.ipc.maxsockbuf", VariableType::Number),
    ("kern.ipc.maxpipekva", VariableType::Number),
    ("kern.mqueue.maxmsg", VariableType::Number),
    ("kern.mqueue.maxmsgsize", VariableType::Number),
    ("kern.ipc.msgmnb", VariableType::Number),
];

/// Lists the properties of the machine, in the order in which reports show it.
#[must_use]
pub fn machine_properties(_processors: &[usize]) -> Vec<MachineProperty> {
    VARIABLES.iter().map(|&(name, kind)| read_property(name, kind)).collect()
}

/// Returns the processor's model.
///
/// # Errors
/// Those of sysctlbyname(3).
pub fn processor_model() -> io::Result<String> {
    read_text("hw.model")
}

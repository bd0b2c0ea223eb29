//! Properties of the machine: sysctl(3).

use std::io;

use crate::sys::bsd::sysctl::{Kind, property, text};
use crate::sys::types::MachineProperty;

#[cfg(feature = "cli")]
pub use crate::sys::unsupported::machine::check_io_uring;

/// Kernel variables that describe the machine, in the order in which reports show them.
const VARIABLES: &[(&str, Kind)] = &[
    ("kern.osrelease", Kind::Text),
    ("kern.version", Kind::Text),
    ("hw.ncpu", Kind::Number),
    ("kern.smp.cores", Kind::Number),
    ("kern.smp.threads_per_core", Kind::Number),
    ("kern.vm_guest", Kind::Text),
    ("kern.sched.name", Kind::Text),
    ("kern.timecounter.hardware", Kind::Text),
    ("machdep.idle", Kind::Text),
    ("hw.acpi.cpu.cx_lowest", Kind::Text),
    ("dev.cpu.0.freq", Kind::Number),
    ("net.inet.tcp.cc.algorithm", Kind::Text),
    ("net.inet.tcp.sendspace", Kind::Number),
    ("net.inet.tcp.recvspace", Kind::Number),
    ("net.local.stream.sendspace", Kind::Number),
    ("net.local.stream.recvspace", Kind::Number),
    ("net.local.dgram.maxdgram", Kind::Number),
    ("kern.ipc.maxsockbuf", Kind::Number),
    ("kern.ipc.maxpipekva", Kind::Number),
    ("kern.mqueue.maxmsg", Kind::Number),
    ("kern.mqueue.maxmsgsize", Kind::Number),
    ("kern.ipc.msgmnb", Kind::Number),
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
    text("hw.model")
}

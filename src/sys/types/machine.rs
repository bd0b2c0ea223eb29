//! The machine and its limits.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// A core of a processor package. Processors with equal cores are hardware threads of one core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Core {
    /// The number of the processor package (socket) that the core is in.
    pub package: usize,
    /// The processors of the core, which are its hardware threads, in ascending order.
    pub threads: Vec<usize>,
}

/// Keeps all processors from entering idle states, so that they poll for work, until this value is dropped.
#[derive(Debug)]
pub struct IdleStatesDisabled {
    #[expect(dead_code, reason = "the kernel disables idle states for as long as the descriptor is open")]
    pub(in crate::sys) device: OwnedFd,
}

/// Time that processors have spent at work since the system started, summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcessorTime {
    /// Time that the processors spent at work for any process or the kernel.
    pub busy: Duration,
    /// The time in which the processors had work but the hypervisor ran other guests.
    pub stolen: Duration,
    /// The unit in which the system counts processor time, which limits the precision.
    pub resolution: Duration,
}

/// A property of the machine that can affect measurements.
#[derive(Debug)]
pub struct MachineProperty {
    /// The name of the property, such as `net.ipv4.tcp_congestion_control`. It is the system's own name where there is
    /// one.
    pub name: &'static str,
    /// The file, call or variable that contains the value of the property.
    pub source: String,
    /// The value of the property, or the reason why it is unknown.
    pub value: Result<String, String>,
}

impl MachineProperty {
    pub(in crate::sys) fn new(
        name: &'static str,
        source: impl Into<String>,
        value: io::Result<String>,
    ) -> MachineProperty {
        let value = value.map(one_line).map_err(|error| explain(&error));
        MachineProperty { name, source: source.into(), value }
    }
}

/// Joins the lines of `text` with commas, and replaces each run of blanks by one.
fn one_line(text: String) -> String {
    text.lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join(", ")
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "not present on this machine".into(),
        io::ErrorKind::PermissionDenied => "this user may not read it".into(),
        _ => error.to_string(),
    }
}

/// Limits that a container sets for its processes.
#[derive(Debug, Clone, Copy, Default)]
pub struct ContainerLimits {
    /// The container's limit of memory in bytes.
    pub memory: Option<u64>,
    /// The container's limit of processors, which may be a fraction.
    pub processors: Option<f64>,
    /// The container's limit of processes and threads.
    pub processes: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_property_has_a_reason() {
        let absent = MachineProperty::new("nothing", "/nowhere", Err(io::ErrorKind::NotFound.into()));
        assert!(absent.value.unwrap_err().contains("not present"));
    }
}

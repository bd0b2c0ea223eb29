//! What is known of the machine.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// The core that a processor belongs to: processors with equal cores are hardware threads of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Core {
    /// The package (socket) that it sits in.
    pub package: usize,
    /// Its processors, in ascending order.
    pub threads: Vec<usize>,
}

/// QueueCapacity the idle states of all processors off: they poll for work. Dropping it lets them sleep again.
#[derive(Debug)]
pub struct IdleStatesDisabled {
    #[expect(dead_code, reason = "the kernel honours the wish for as long as the descriptor is open")]
    pub(in crate::sys) wish: OwnedFd,
}

/// What processors have done since the system began, summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcessorTime {
    /// The time in which they were at work, for whomever.
    pub busy: Duration,
    /// The time in which they had work, and a hypervisor let others use them.
    pub stolen: Duration,
    /// How finely the system counts these.
    pub resolution: Duration,
}

/// Something about the machine.
#[derive(Debug)]
pub struct MachineProperty {
    /// Its name, as the system calls it where it has one: `net.ipv4.tcp_congestion_control`.
    pub name: &'static str,
    /// The file, call or variable that tells it.
    pub source: String,
    /// What it is, or why that is not known.
    pub value: Result<String, String>,
}

impl MachineProperty {
    pub(in crate::sys) fn new(
        name: &'static str,
        source: impl Into<String>,
        value: io::Result<String>,
    ) -> MachineProperty {
        let value = value.map(tidy).map_err(|error| explain(&error));
        MachineProperty { name, source: source.into(), value }
    }
}

/// In one line.
fn tidy(text: String) -> String {
    text.lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join(", ")
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "this machine does not have it, or does not tell".into(),
        io::ErrorKind::PermissionDenied => "this user may not read it".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_says_so() {
        let absent = MachineProperty::new("nothing", "/nowhere", Err(io::ErrorKind::NotFound.into()));
        assert!(absent.value.unwrap_err().contains("does not"));
    }
}

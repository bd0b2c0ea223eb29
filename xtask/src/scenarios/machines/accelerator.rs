//! How qemu executes the instructions of a machine: on the processor itself, or translated.

use std::env::consts::ARCH;
use std::fs::{self, OpenOptions};

use super::list::Emulator;

/// A way to execute instructions.
#[derive(Debug, PartialEq, Eq)]
pub struct Accelerator {
    pub name: &'static str,
    pub options: &'static [&'static str],
    /// The factor of all deadlines.
    pub timeout_scale: u32,
}

/// The machine of KVM: kvm(4). Its processors are those of this machine.
const KVM: Accelerator = Accelerator { name: "KVM", options: &["-accel", "kvm"], timeout_scale: 3 };

/// The translator of qemu, which executes an instruction ten to twenty times more slowly.
const TCG: Accelerator =
    Accelerator { name: "TCG", options: &["-accel", "tcg,thread=multi"], timeout_scale: 10 };

impl Emulator {
    /// Returns KVM if this machine has it for the processor of the emulated one.
    pub fn accelerator(&self) -> &'static Accelerator {
        if self.architecture == name_of_debian(ARCH) && has_kvm() { &KVM } else { &TCG }
    }
}

/// Returns whether KVM runs Debian's kernels. A machine that is itself a guest may have a `/dev/kvm` without support
/// of the processor: it runs only kernels that know it.
fn has_kvm() -> bool {
    let opens = || OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok();
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    (ARCH != "x86_64" || supports_virtualization(&processors)) && opens()
}

/// Returns whether the processors of an x86 machine support virtual machines.
fn supports_virtualization(processors: &str) -> bool {
    let mut lines = processors.lines().filter_map(|line| line.strip_prefix("flags"));
    lines.any(|flags| flags.split_whitespace().any(|flag| matches!(flag, "vmx" | "svm")))
}

/// Returns Debian's name of a processor.
fn name_of_debian(processor: &str) -> &str {
    match processor {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenarios::machines::list::MACHINES;

    #[test]
    fn support_of_the_processor_is_found() {
        assert!(supports_virtualization("processor\t: 0\nflags\t\t: fpu vmx sse\n"));
        assert!(supports_virtualization("flags\t\t: fpu svm\n"));
        assert!(!supports_virtualization("flags\t\t: fpu hypervisor\nvmx flags\t: vnmi\n"));
    }

    #[test]
    fn another_processor_is_translated() {
        let emulators = MACHINES.iter().filter_map(|machine| machine.emulator.as_ref());
        for emulator in emulators.filter(|emulator| emulator.architecture != name_of_debian(ARCH)) {
            assert_eq!(emulator.accelerator(), &TCG, "{}", emulator.program);
        }
    }
}

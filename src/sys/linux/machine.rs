//! Properties of the machine: `/proc/sys` (Documentation/admin-guide/sysctl), sysfs(5).

use std::io;

#[cfg(feature = "cli")]
use io_uring::IoUring;

use super::hardware::{self, read_single_value};
use super::limits::container_limits;
use super::processors::{format_cpu_list, usable_processors};
use crate::sys::types::MachineProperty;

pub use super::hardware::processor_model;

/// General kernel parameters that reports show. A parameter's path in `/proc/sys` is its name.
const KERNEL: &[&str] = &["kernel.osrelease", "kernel.version", "kernel.perf_event_paranoid"];

/// Kernel parameters that affect the transports. Reports show them.
const TRANSPORTS: &[&str] = &[
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.tcp_available_congestion_control",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.core.rmem_default",
    "net.core.rmem_max",
    "net.core.wmem_default",
    "net.core.wmem_max",
    "net.core.busy_poll",
    "net.unix.max_dgram_qlen",
    "fs.pipe-max-size",
    "fs.pipe-user-pages-soft",
    "fs.mqueue.msg_max",
    "fs.mqueue.msgsize_max",
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.io_uring_disabled",
];

/// The properties of the whole machine that reports show: a name and the file that holds the value.
const FILES: &[(&str, &str)] = &[
    ("processors online", "/sys/devices/system/cpu/online"),
    ("processors isolated", "/sys/devices/system/cpu/isolated"),
    ("SMT", "/sys/devices/system/cpu/smt/control"),
    ("cpuidle driver", "/sys/devices/system/cpu/cpuidle/current_driver"),
    ("cpuidle governor", "/sys/devices/system/cpu/cpuidle/current_governor_ro"),
    ("turbo off (intel_pstate)", "/sys/devices/system/cpu/intel_pstate/no_turbo"),
    ("boost (cpufreq)", "/sys/devices/system/cpu/cpufreq/boost"),
    ("clock source", "/sys/devices/system/clocksource/clocksource0/current_clocksource"),
    ("transparent hugepages", "/sys/kernel/mm/transparent_hugepage/enabled"),
];

/// The properties of each processor that reports show: a name and the file that holds the value.
const PROCESSOR_FILES: &[(&str, &str)] = &[
    ("cpufreq driver", "cpufreq/scaling_driver"),
    ("cpufreq governor", "cpufreq/scaling_governor"),
    ("highest frequency in kHz", "cpufreq/scaling_max_freq"),
    ("energy preference", "cpufreq/energy_performance_preference"),
];

/// Lists the properties of the machine, in the order in which reports show it. `processors` are those that the
/// comparison uses.
#[must_use]
pub fn machine_properties(processors: &[usize]) -> Vec<MachineProperty> {
    let mut all: Vec<_> = KERNEL.iter().map(|name| kernel_parameter(name)).collect();
    all.push(hardware::boot_parameters());
    all.extend(
        FILES.iter().map(|(name, path)| {
            MachineProperty::new(name, *path, read_single_value(path).map(chosen_option))
        }),
    );
    all.push(affinity());
    all.extend(hardware::caches_and_memory_node(processors));
    all.extend(PROCESSOR_FILES.iter().map(|(name, file)| processor_file(name, file, processors)));
    all.push(hardware::idle_states(processors));
    all.push(hardware::hypervisor());
    all.push(hardware::mitigations());
    all.push(processor_quota());
    all.extend(TRANSPORTS.iter().map(|name| kernel_parameter(name)));
    all
}

fn kernel_parameter(name: &'static str) -> MachineProperty {
    let path = format!("/proc/sys/{}", name.replace('.', "/"));
    let value = read_single_value(&path);
    MachineProperty::new(name, path, value)
}

/// Returns the chosen option of a list in a kernel file, such as `always [madvise] never`. Returns other texts
/// unchanged.
fn chosen_option(text: String) -> String {
    let chosen = text.split_once('[').and_then(|(_, rest)| Some(rest.split_once(']')?.0.to_owned()));
    chosen.unwrap_or(text)
}

fn processor_file(name: &'static str, file: &str, processors: &[usize]) -> MachineProperty {
    let of = |processor: &usize| {
        read_single_value(&format!("/sys/devices/system/cpu/cpu{processor}/{file}"))
            .map(|text| (*processor, text))
    };
    let value = processors.iter().map(of).collect::<io::Result<Vec<_>>>().map(|all| merge_equal(&all));
    MachineProperty::new(name, format!("/sys/devices/system/cpu/cpuN/{file}"), value)
}

/// Merges the values of all processors for a report. Returns one value if all are equal, else every value with its
/// processor.
fn merge_equal(all: &[(usize, String)]) -> String {
    match all {
        [(_, first), rest @ ..] if rest.iter().all(|(_, text)| text == first) => first.clone(),
        _ => {
            let each = all.iter().map(|(processor, text)| format!("{processor}: {text}"));
            each.collect::<Vec<_>>().join(", ")
        }
    }
}

fn affinity() -> MachineProperty {
    let value = usable_processors().map(|all| format_cpu_list(&all));
    MachineProperty::new("affinity", "sched_getaffinity(2)", value)
}

/// Returns the processor quota of cgroups(7): `cpu.max` in version 2, `cpu.cfs_quota_us` in version 1.
fn processor_quota() -> MachineProperty {
    let value = container_limits()
        .processors
        .map_or_else(|| "no limit".to_owned(), |number| format!("{number:.2} processors"));
    MachineProperty::new("processor quota", "cpu.max of /proc/self/cgroup", Ok(value))
}

/// Checks that this process may use io_uring(7), by setting up a small ring. The kernel parameter
/// `kernel.io_uring_disabled` or a seccomp filter may forbid it.
///
/// # Errors
/// `PermissionDenied` if it is forbidden; `Unsupported` if the kernel lacks it.
#[cfg(feature = "cli")]
pub fn check_io_uring() -> io::Result<()> {
    IoUring::new(1).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_chosen_option() {
        assert_eq!(chosen_option("always [madvise] never".into()), "madvise");
        assert_eq!(chosen_option("tsc".into()), "tsc");
    }

    #[test]
    fn names_processors_that_differ() {
        let of =
            |governors: [&str; 2]| merge_equal(&[(0, governors[0].to_owned()), (3, governors[1].to_owned())]);
        assert_eq!(of(["performance", "performance"]), "performance");
        assert_eq!(of(["performance", "powersave"]), "0: performance, 3: powersave");
    }

    #[test]
    fn lists_the_kernel_release() {
        let all = machine_properties(&[0]);
        let release = all.iter().find(|property| property.name == "kernel.osrelease").unwrap();
        assert!(
            release.value.as_ref().is_ok_and(|text| text.starts_with(|first: char| first.is_ascii_digit()))
        );
    }
}

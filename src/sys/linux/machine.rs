//! Linux: `/proc/sys` and `/sys`. See Documentation/admin-guide/sysctl, and sysfs(5).

use std::fs;
use std::io;

use super::hardware;
use super::processors::usable_processors;
use crate::sys::types::MachineProperty;
use crate::sys::unix::limits::container_limits;

pub use super::hardware::processor_model;

/// Of the kernel: what its parameters are called is where they are.
const KERNEL: &[&str] = &["kernel.osrelease", "kernel.version", "kernel.perf_event_paranoid"];

/// Of the mechanisms.
const MECHANISMS: &[&str] = &[
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

/// What processors do when idle, how fast they run, what else slows them down.
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

/// Of each processor that is used.
const OF_EACH: &[(&str, &str)] = &[
    ("cpufreq driver", "cpufreq/scaling_driver"),
    ("cpufreq governor", "cpufreq/scaling_governor"),
    ("highest frequency in kHz", "cpufreq/scaling_max_freq"),
    ("energy preference", "cpufreq/energy_performance_preference"),
];

pub fn machine_properties(processors: &[usize]) -> Vec<MachineProperty> {
    let mut all: Vec<_> = KERNEL.iter().map(|name| sysctl(name)).collect();
    all.push(hardware::parameters());
    all.extend(FILES.iter().map(|(name, path)| MachineProperty::new(name, *path, read(path).map(chosen))));
    all.push(affinity());
    all.extend(hardware::shared(processors));
    all.extend(OF_EACH.iter().map(|(name, file)| of_each(name, file, processors)));
    all.push(hardware::idle_states(processors));
    all.push(hardware::hypervisor());
    all.push(hardware::mitigations());
    all.push(quota());
    all.extend(MECHANISMS.iter().map(|name| sysctl(name)));
    all
}

pub(super) fn read(path: &str) -> io::Result<String> {
    let text = fs::read_to_string(path)?;
    Ok(if text.trim().is_empty() { "none".to_owned() } else { text.trim().to_owned() })
}

fn sysctl(name: &'static str) -> MachineProperty {
    let path = format!("/proc/sys/{}", name.replace('.', "/"));
    let value = read(&path);
    MachineProperty::new(name, path, value)
}

/// Of a choice that the kernel shows in full, `always [madvise] never`, the one that is taken.
fn chosen(text: String) -> String {
    let taken = text.split_once('[').and_then(|(_, rest)| Some(rest.split_once(']')?.0.to_owned()));
    taken.unwrap_or(text)
}

fn of_each(name: &'static str, file: &str, processors: &[usize]) -> MachineProperty {
    let of = |processor: &usize| {
        read(&format!("/sys/devices/system/cpu/cpu{processor}/{file}")).map(|text| (*processor, text))
    };
    let value = processors.iter().map(of).collect::<io::Result<Vec<_>>>().map(|all| alike(&all));
    MachineProperty::new(name, format!("/sys/devices/system/cpu/cpuN/{file}"), value)
}

/// Once where all have the same.
fn alike(all: &[(usize, String)]) -> String {
    match all {
        [(_, first), rest @ ..] if rest.iter().all(|(_, text)| text == first) => first.clone(),
        _ => {
            let each = all.iter().map(|(processor, text)| format!("{processor}: {text}"));
            each.collect::<Vec<_>>().join(", ")
        }
    }
}

fn affinity() -> MachineProperty {
    let value = usable_processors().map(|all| hardware::list(&all));
    MachineProperty::new("affinity", "sched_getaffinity(2)", value)
}

/// cgroups(7): `cpu.max`, or `cpu.cfs_quota_us` by `cpu.cfs_period_us` in version 1.
fn quota() -> MachineProperty {
    let value = container_limits()
        .processors
        .map_or_else(|| "no limit".to_owned(), |number| format!("{number:.2} processors"));
    MachineProperty::new("processor quota", "cpu.max of /proc/self/cgroup", Ok(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_choice_the_one_taken_is_told() {
        assert_eq!(chosen("always [madvise] never".into()), "madvise");
        assert_eq!(chosen("tsc".into()), "tsc");
    }

    #[test]
    fn processors_that_differ_are_told_apart() {
        let of = |governors: [&str; 2]| alike(&[(0, governors[0].to_owned()), (3, governors[1].to_owned())]);
        assert_eq!(of(["performance", "performance"]), "performance");
        assert_eq!(of(["performance", "powersave"]), "0: performance, 3: powersave");
    }

    #[test]
    fn the_kernel_tells_its_release() {
        let all = machine_properties(&[0]);
        let release = all.iter().find(|property| property.name == "kernel.osrelease").unwrap();
        assert!(
            release.value.as_ref().is_ok_and(|text| text.starts_with(|first: char| first.is_ascii_digit()))
        );
    }
}

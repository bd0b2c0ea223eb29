//! Hardware, hypervisor and mitigations, for the list of [`machine_properties`](crate::sys::machine_properties).

use std::fs;
use std::io;

use super::processors::parse_list;
use crate::sys::types::MachineProperty;

const PROCESSORS: &str = "/sys/devices/system/cpu";

/// The parameters of the kernel's command line that affect measurements. Reports show them.
const BOOT_PARAMETERS: &[&str] = &[
    "mitigations=",
    "isolcpus=",
    "nohz_full=",
    "rcu_nocbs=",
    "idle=",
    "nohlt",
    "processor.max_cstate=",
    "intel_idle.max_cstate=",
    "intel_pstate=",
    "amd_pstate=",
    "preempt=",
    "clocksource=",
    "tsc=",
    "nosmt",
    "hugepages=",
    "haltpoll",
    "cpuidle",
];

/// Reads a file that contains one value. Returns `none` if it is empty.
pub fn read_single_value(path: &str) -> io::Result<String> {
    let text = fs::read_to_string(path)?;
    Ok(if text.trim().is_empty() { "none".to_owned() } else { text.trim().to_owned() })
}

/// Returns the processor's model. Processors other than x86 have the name of their board at best.
///
/// # Errors
/// `NotFound` if the kernel knows no name.
pub fn processor_model() -> io::Result<String> {
    let text = read_single_value("/proc/cpuinfo")?;
    if let Some(model) = field(&text, "model name") {
        return Ok(model.to_owned());
    }
    Ok(read_single_value("/proc/device-tree/model")?.trim_end_matches('\0').to_owned())
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.into_iter().find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

/// Returns the parameters of the kernel's command line that affect measurements.
pub fn boot_parameters() -> MachineProperty {
    const FILE: &str = "/proc/cmdline";
    let relevant = |text: String| {
        let is_relevant = |word: &&str| BOOT_PARAMETERS.iter().any(|parameter| word.starts_with(parameter));
        let words: Vec<_> = text.split_whitespace().filter(is_relevant).collect();
        if words.is_empty() { "none that affects measurements".to_owned() } else { words.join(" ") }
    };
    MachineProperty::new("kernel parameters", FILE, read_single_value(FILE).map(relevant))
}

/// Returns the caches and memory nodes of `processors`, and whether they share them.
pub fn caches_and_memory_node(processors: &[usize]) -> [MachineProperty; 2] {
    let Some(&first) = processors.first() else {
        let no_processor = || Err(io::Error::other("no processor is chosen"));
        return [
            MachineProperty::new("caches", PROCESSORS, no_processor()),
            MachineProperty::new("memory node", PROCESSORS, no_processor()),
        ];
    };
    let caches = format!("{PROCESSORS}/cpu{first}/cache");
    let nodes = processors.iter().map(|it| memory_node(*it)).collect::<io::Result<Vec<_>>>();
    let nodes = nodes.map(|mut nodes| {
        nodes.dedup();
        if let [one] = &nodes[..] { format!("{one}, for all") } else { nodes.join(" and ") }
    });
    [
        MachineProperty::new("caches", &caches, all_caches(&caches, processors)),
        MachineProperty::new("memory node", format!("{PROCESSORS}/cpuN/nodeN"), nodes),
    ]
}

fn all_caches(folder: &str, processors: &[usize]) -> io::Result<String> {
    let mut names: Vec<_> = fs::read_dir(folder)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("index"))
        .collect();
    names.sort();
    let each = names.iter().map(|name| cache(&format!("{folder}/{name}"), processors));
    Ok(each.collect::<io::Result<Vec<_>>>()?.join(", "))
}

/// Describes the cache that the directory `folder` shows: `L2 1024K each`, `L3 32768K shared`.
fn cache(folder: &str, processors: &[usize]) -> io::Result<String> {
    let [level, kind, size, shared_by] = ["level", "type", "size", "shared_cpu_list"]
        .map(|file| read_single_value(&format!("{folder}/{file}")));
    let kind = match &kind?[..] {
        "Data" => "d",
        "Instruction" => "i",
        _ => "",
    };
    let shared_by = parse_list(&shared_by?).ok_or(io::ErrorKind::InvalidData)?;
    let shared = processors.len() > 1 && processors.iter().all(|it| shared_by.contains(it));
    Ok(format!("L{}{kind} {} {}", level?, size?, if shared { "shared" } else { "each" }))
}

fn memory_node(processor: usize) -> io::Result<String> {
    let entries = fs::read_dir(format!("{PROCESSORS}/cpu{processor}"))?;
    let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_node = |name: &String| name.strip_prefix("node").is_some_and(|rest| rest.parse::<u32>().is_ok());
    names.find(is_node).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Returns the idle states of the first of `processors`, with the time that leaving each takes.
pub fn idle_states(processors: &[usize]) -> MachineProperty {
    let folder = format!("{PROCESSORS}/cpu{}/cpuidle", processors.first().copied().unwrap_or_default());
    let mut states = Vec::new();
    while let Ok(name) = read_single_value(&format!("{folder}/state{}/name", states.len())) {
        let latency =
            read_single_value(&format!("{folder}/state{}/latency", states.len())).unwrap_or_default();
        states.push(format!("{name} ({latency} µs)"));
    }
    let value = if states.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(states.join(", ")) };
    MachineProperty::new("idle states and exit latencies", folder, value)
}

/// Returns whether the machine is virtual, with the names that the firmware (DMI) gives. x86 processors have a flag
/// for it.
pub fn hypervisor() -> MachineProperty {
    const DMI: &str = "/sys/class/dmi/id";
    let [vendor, product] =
        ["sys_vendor", "product_name"].map(|file| read_single_value(&format!("{DMI}/{file}")).ok());
    let board = [vendor, product].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let kind = read_single_value("/sys/hypervisor/type").ok();
    let flags =
        read_single_value("/proc/cpuinfo").map(|read_text| field(&read_text, "flags").map(str::to_owned));
    let value = flags.map(|flags| {
        let is_guest = flags.map(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor"));
        let text = match (is_guest, kind) {
            (_, Some(kind)) => format!("a guest of {kind}"),
            (Some(true), None) => "a guest of an unnamed hypervisor".to_owned(),
            (Some(false), None) => "none".to_owned(),
            (None, None) => "unknown: this kind of processor has no flag for it".to_owned(),
        };
        if board.is_empty() { text } else { format!("{text} ({board})") }
    });
    MachineProperty::new("hypervisor", format!("/proc/cpuinfo, /sys/hypervisor/type, {DMI}"), value)
}

/// Returns the kernel's mitigations of the vulnerabilities that this processor has. They slow system calls down.
pub fn mitigations() -> MachineProperty {
    const FOLDER: &str = "/sys/devices/system/cpu/vulnerabilities";
    let value = fs::read_dir(FOLDER).map(|entries| {
        let mut all: Vec<_> = entries
            .filter_map(|entry| {
                let name = entry.ok()?.file_name().into_string().ok()?;
                let text = read_single_value(&format!("{FOLDER}/{name}")).ok()?;
                (text != "Not affected").then(|| format!("{name}: {}", first_mitigation(&text)))
            })
            .collect();
        all.sort();
        if all.is_empty() { "no known vulnerability".to_owned() } else { all.join("; ") }
    });
    MachineProperty::new("mitigations", FOLDER, value)
}

/// Returns the first mitigation in `text`, the kernel's list of mitigations for one vulnerability of the processor.
fn first_mitigation(text: &str) -> &str {
    let first = text.split([';', ',']).next().unwrap_or(text).trim();
    first.strip_prefix("Mitigation: ").unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_first_mitigation() {
        assert_eq!(first_mitigation("Mitigation: Retpolines; STIBP: disabled; RSB filling"), "Retpolines");
        assert_eq!(first_mitigation("Vulnerable: Safe RET, no microcode"), "Vulnerable: Safe RET");
    }

    #[test]
    fn finds_a_field_by_its_exact_name() {
        let text = "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n";
        assert_eq!(field(text, "model name"), Some("AMD EPYC"));
        assert_eq!(field(text, "Model"), None);
    }
}

//! Linux: what two processors share, what lies below the kernel, and what it does about the faults of processors.

use std::fs;
use std::io;

use super::machine::read;
use super::processors::parse_list;
use crate::sys::types::MachineProperty;

const PROCESSORS: &str = "/sys/devices/system/cpu";

/// Parameters of the kernel's command line that move figures.
const PARAMETERS: &[&str] = &[
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

/// x86 has names; others are named by their board, if at all.
pub fn processor_model() -> io::Result<String> {
    let text = read("/proc/cpuinfo")?;
    if let Some(model) = field(&text, "model name") {
        return Ok(model.to_owned());
    }
    Ok(read("/proc/device-tree/model")?.trim_end_matches('\0').to_owned())
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.into_iter().find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

pub fn parameters() -> MachineProperty {
    const FILE: &str = "/proc/cmdline";
    let ours = |text: String| {
        let bears = |word: &&str| PARAMETERS.iter().any(|parameter| word.starts_with(parameter));
        let words: Vec<_> = text.split_whitespace().filter(bears).collect();
        if words.is_empty() { "none that bears on figures".to_owned() } else { words.join(" ") }
    };
    MachineProperty::new("kernel parameters", FILE, read(FILE).map(ours))
}

/// Caches and memory nodes of the first of `processors`, and whether all of them share these.
pub fn shared(processors: &[usize]) -> [MachineProperty; 2] {
    let Some(&first) = processors.first() else {
        let nobody = || Err(io::Error::other("no processor is chosen"));
        return [
            MachineProperty::new("caches", PROCESSORS, nobody()),
            MachineProperty::new("memory node", PROCESSORS, nobody()),
        ];
    };
    let caches = format!("{PROCESSORS}/cpu{first}/cache");
    let nodes = processors.iter().map(|it| node(*it)).collect::<io::Result<Vec<_>>>();
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

/// `L2 1024K each`, `L3 32768K shared`.
fn cache(folder: &str, processors: &[usize]) -> io::Result<String> {
    let [level, kind, size, by] =
        ["level", "type", "size", "shared_cpu_list"].map(|file| read(&format!("{folder}/{file}")));
    let kind = match &kind?[..] {
        "Data" => "d",
        "Instruction" => "i",
        _ => "",
    };
    let by = parse_list(&by?).ok_or(io::ErrorKind::InvalidData)?;
    let shared = processors.len() > 1 && processors.iter().all(|it| by.contains(it));
    Ok(format!("L{}{kind} {} {}", level?, size?, if shared { "shared" } else { "each" }))
}

fn node(processor: usize) -> io::Result<String> {
    let entries = fs::read_dir(format!("{PROCESSORS}/cpu{processor}"))?;
    let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let number = |name: &String| name.strip_prefix("node").is_some_and(|rest| rest.parse::<u32>().is_ok());
    names.find(number).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// A list as the kernel writes it, `0-3,8`, of processors in ascending order.
pub fn list(processors: &[usize]) -> String {
    let runs = processors.chunk_by(|one, next| one + 1 == *next);
    let text = |run: &[usize]| match run {
        [first, .., last] => format!("{first}-{last}"),
        [one] => one.to_string(),
        [] => String::new(),
    };
    runs.map(text).collect::<Vec<_>>().join(",")
}

pub fn idle_states(processors: &[usize]) -> MachineProperty {
    let folder = format!("{PROCESSORS}/cpu{}/cpuidle", processors.first().copied().unwrap_or_default());
    let mut states = Vec::new();
    while let Ok(name) = read(&format!("{folder}/state{}/name", states.len())) {
        let latency = read(&format!("{folder}/state{}/latency", states.len())).unwrap_or_default();
        states.push(format!("{name} ({latency} µs)"));
    }
    let told = if states.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(states.join(", ")) };
    MachineProperty::new("idle states, and what leaving them takes", folder, told)
}

/// Who runs this machine, if it is no machine of its own: firmware (DMI) names it, processors (x86) at least show that
/// somebody does.
pub fn hypervisor() -> MachineProperty {
    const DMI: &str = "/sys/class/dmi/id";
    let [vendor, product] = ["sys_vendor", "product_name"].map(|file| read(&format!("{DMI}/{file}")).ok());
    let board = [vendor, product].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let kind = read("/sys/hypervisor/type").ok();
    let flags = read("/proc/cpuinfo").map(|text| field(&text, "flags").map(str::to_owned));
    let value = flags.map(|flags| {
        let guest = flags.map(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor"));
        let whether = match (guest, kind) {
            (_, Some(kind)) => format!("a guest of {kind}"),
            (Some(true), None) => "a guest; the hypervisor gives no name".to_owned(),
            (Some(false), None) => "none".to_owned(),
            (None, None) => "not told by this kind of processor".to_owned(),
        };
        if board.is_empty() { whether } else { format!("{whether} ({board})") }
    });
    MachineProperty::new("hypervisor", format!("/proc/cpuinfo, /sys/hypervisor/type, {DMI}"), value)
}

/// What the kernel does about faults of processors that costs every system call: those that bear on this one.
pub fn mitigations() -> MachineProperty {
    const FOLDER: &str = "/sys/devices/system/cpu/vulnerabilities";
    let value = fs::read_dir(FOLDER).map(|entries| {
        let mut all: Vec<_> = entries
            .filter_map(|entry| {
                let name = entry.ok()?.file_name().into_string().ok()?;
                let says = read(&format!("{FOLDER}/{name}")).ok()?;
                (says != "Not affected").then(|| format!("{name}: {}", brief(&says)))
            })
            .collect();
        all.sort();
        if all.is_empty() { "not affected by any that is known".to_owned() } else { all.join("; ") }
    });
    MachineProperty::new("mitigations", FOLDER, value)
}

/// The first of what is done, without the rest.
fn brief(says: &str) -> &str {
    let first = says.split([';', ',']).next().unwrap_or(says).trim();
    first.strip_prefix("Mitigation: ").unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors_are_written_as_they_are_read() {
        for text in ["0-2,5", "7", "0,2,4-5"] {
            assert_eq!(list(&parse_list(text).unwrap()), text);
        }
    }

    #[test]
    fn a_mitigation_is_told_in_brief() {
        assert_eq!(brief("Mitigation: Retpolines; STIBP: disabled; RSB filling"), "Retpolines");
        assert_eq!(brief("Vulnerable: Safe RET, no microcode"), "Vulnerable: Safe RET");
    }

    #[test]
    fn a_field_is_found_by_its_name() {
        let text = "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n";
        assert_eq!(field(text, "model name"), Some("AMD EPYC"));
        assert_eq!(field(text, "Model"), None);
    }
}

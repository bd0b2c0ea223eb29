//! How busy processors are: `/proc/stat`, `proc_stat(5)`.

use std::fs;
use std::io;
use std::time::Duration;

use crate::sys::types::ProcessorTime;

pub const OCCUPATION_SOURCE: &str = "/proc/stat";

pub fn processor_time(processors: &[usize]) -> io::Result<ProcessorTime> {
    let tick = Duration::from_secs_f64(1.0 / procfs::ticks_per_second() as f64);
    let text = fs::read_to_string("/proc/stat")?;
    let mut sum = ProcessorTime { resolution: tick, ..ProcessorTime::default() };
    for &processor in processors {
        let (busy, stolen) = ticks(&text, processor)
            .ok_or_else(|| io::Error::other(format!("/proc/stat does not list processor {processor}")))?;
        sum.busy += tick * busy;
        sum.stolen += tick * stolen;
    }
    Ok(sum)
}

/// Ticks that found a processor at work, and those that the hypervisor gave to others. Time of guests is part of the
/// user's.
fn ticks(text: &str, processor: usize) -> Option<(u32, u32)> {
    let name = format!("cpu{processor} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name))?;
    let counts: Vec<u32> = line.split_whitespace().map_while(|count| count.parse().ok()).collect();
    let [user, nice, system, _idle, _iowait, irq, softirq, steal, ..] = counts[..] else { return None };
    Some((user + nice + system + irq + softirq, steal))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str =
        "cpu  90 9 9 9 9 9 9 9 0 0\ncpu1 1 2 3 100 50 4 5 7 1 0\ncpu11 8 0 0 0 0 0 0 0 0 0\nintr 1\n";

    #[test]
    fn work_and_theft_are_told_apart_from_idling() {
        assert_eq!(ticks(STAT, 1), Some((15, 7)));
        assert_eq!(ticks(STAT, 11), Some((8, 0)));
        assert_eq!(ticks(STAT, 0), None);
    }
}

//! Describes a process in words for a report: its command line, its state, its descriptors.

use nix::unistd::Pid;

use crate::sys::{self, Descriptor, Object, Process};
use crate::text::one_line;

/// The maximum number of descriptors of one process that a report shows.
const SHOWN: usize = 8;

/// The maximum number of characters of one command line that a report shows.
const LONGEST: usize = 120;

/// Describes the state and the descriptors of `process`: `4711 (cat) is blocked in pipe_read`, and a second line.
#[must_use]
pub fn describe_process(process: &Process) -> String {
    let Process { pid, name, .. } = process;
    let held = describe_descriptors(*pid);
    let held = if held.is_empty() { held } else { format!("\nand holds {held}") };
    format!("{pid} ({}) is {}{held}", one_line(name), describe_state(process))
}

/// Returns the state of `process` in words, or the kernel function that it is blocked in.
#[must_use]
pub fn describe_state(process: &Process) -> String {
    let state = sys::process_state(process.pid);
    if process.stopped {
        return state.unwrap_or("stopped by a signal").into();
    }
    match sys::wait_channels(process.pid).split_first() {
        Some((place, [])) => format!("blocked in {place}"),
        Some((place, others)) => format!("blocked in {place}, and other threads in {}", others.join(", ")),
        None => state.unwrap_or("alive").into(),
    }
}

/// Lists the descriptors of the process `pid` in one line. If there are too many, the line has only listeners and
/// output pipes, because other processes may wait for those.
#[must_use]
pub fn describe_descriptors(pid: Pid) -> String {
    let mut table = sys::descriptors(pid).unwrap_or_default();
    table.sort_by_key(|descriptor| !is_awaited(descriptor));
    let left_out = table.len().saturating_sub(SHOWN);
    table.truncate(SHOWN);
    table.sort_by_key(|descriptor| descriptor.number);
    let mut shown: Vec<_> = table.iter().map(|it| format!("{} {}", it.number, it.object)).collect();
    if left_out > 0 {
        shown.push(format!("and {left_out} more"));
    }
    shown.join(", ")
}

fn is_awaited(descriptor: &Descriptor) -> bool {
    match &descriptor.object {
        Object::Socket(socket) => socket.listening,
        Object::Pipe { .. } => matches!(descriptor.number, 1 | 2),
        _ => false,
    }
}

/// Returns the command line of `process`, quoted for a shell, or its program's name if the system does not tell.
#[must_use]
pub fn command_line_of(process: &Process) -> String {
    let words = sys::command_line(process.pid);
    let quoted = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "));
    let line = one_line(if quoted.is_empty() { &process.name } else { &quoted });
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

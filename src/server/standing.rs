//! Where a process stands: what it was started as, what it is at, what it holds; in words for a report.

use nix::unistd::Pid;

use crate::sys::{self, Descriptor, Object, Process};
use crate::text::one_line;

/// Descriptors that a report shows of one process, and characters of its command line.
const SHOWN: usize = 8;
const LONGEST: usize = 120;

/// Where it stands still, and with what: `4711 (cat) is blocked in pipe_read`, and a line of descriptors.
#[must_use]
pub fn standing(process: &Process) -> String {
    let Process { pid, name, .. } = process;
    let held = holdings(*pid);
    let held = if held.is_empty() { held } else { format!("\nand holds {held}") };
    format!("{pid} ({}) is {}{held}", one_line(name), occupation(process))
}

fn occupation(process: &Process) -> String {
    let state = sys::state(process.pid);
    if process.stopped {
        return state.unwrap_or("stopped by a signal").into();
    }
    match sys::waits(process.pid).split_first() {
        Some((place, [])) => format!("blocked in {place}"),
        Some((place, others)) => format!("blocked in {place}, and other threads in {}", others.join(", ")),
        None => state.unwrap_or("alive").into(),
    }
}

/// Its descriptors. Where they are too many, those are shown that others may be waiting for: listeners, and the outputs
/// that it was given.
#[must_use]
pub fn holdings(pid: Pid) -> String {
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

/// The words that it was started with, or else its program's name.
#[must_use]
pub fn started_as(process: &Process) -> String {
    let words = sys::command_line(process.pid);
    let quoted = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "));
    let line = one_line(if quoted.is_empty() { &process.name } else { &quoted });
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

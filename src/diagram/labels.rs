//! The texts in the boxes of a diagram, the same in a terminal and in a picture.

use super::process::{DescriptorRow, Process, ProcessState};
use super::snapshot::Snapshot;
use crate::sys::{AccessMode, Object};

/// Returns the name of a standard descriptor, `stdin`, `stdout` or `stderr`, for descriptors 0 to 2, otherwise
/// nothing.
pub(super) fn standard_descriptor_name(row: &DescriptorRow) -> &'static str {
    let names = ["stdin", "stdout", "stderr"];
    usize::try_from(row.number).ok().and_then(|number| names.get(number)).unwrap_or(&"")
}

/// Describes the object that a descriptor in a diagram refers to, which end of it this is, its offset and its flags.
/// Describes the other end of a pipe too, unless the descriptor `has_note`: then the note does.
pub(super) fn describe_object(
    snapshot: &Snapshot,
    process: &Process,
    row: &DescriptorRow,
    has_note: bool,
) -> String {
    let end = match row.access {
        Some(access) if matches!(row.object, Object::Pipe { .. }) => {
            let other_end = if has_note { String::new() } else { other_end(snapshot, process, row, access) };
            format!(", {} end{other_end}", verb(access))
        }
        _ => String::new(),
    };
    let remarks = offset_and_flags(row).into_iter().map(|remark| format!(", {remark}"));
    format!("{}{end}{}", object_name(snapshot, &row.object), remarks.collect::<String>())
}

fn object_name(snapshot: &Snapshot, object: &Object) -> String {
    let Object::File(path) = object else { return object.to_string() };
    match (path.file_name(), &snapshot.short_paths_in) {
        (Some(name), Some(directory)) if path.starts_with(directory) => Object::File(name.into()).to_string(),
        _ => object.to_string(),
    }
}

fn verb(access: AccessMode) -> &'static str {
    match access {
        AccessMode::ReadOnly => "read",
        AccessMode::WriteOnly => "write",
        AccessMode::ReadWrite => "read and write",
    }
}

/// Names the process at the other end of a descriptor's pipe, or says that there is none. Returns nothing if a line
/// of the diagram shows it.
fn other_end(snapshot: &Snapshot, process: &Process, row: &DescriptorRow, access: AccessMode) -> String {
    let Some(id) = row.id() else { return String::new() };
    let mut holders = snapshot.holders(id);
    holders.retain(|(_, held)| held.access.is_some_and(|theirs| theirs != access));
    let (who, done) = if access == AccessMode::ReadOnly { ("writer", "written") } else { ("reader", "read") };
    match holders.first() {
        None => format!("; no {who} here"),
        Some(_) if holders.iter().any(|(_, held)| held.visible) => String::new(),
        Some((other, _)) if other.label == process.label => String::new(),
        Some((other, _)) => format!(", {done} by {}", other.program),
    }
}

fn offset_and_flags(row: &DescriptorRow) -> Vec<String> {
    let Some(open) = row.open else { return Vec::new() };
    let mut remarks = Vec::new();
    if has_offset(&row.object) {
        remarks.push(format!("offset {}", open.offset));
    }
    let flags =
        [(open.append, "O_APPEND"), (open.nonblocking, "O_NONBLOCK"), (open.close_on_exec, "close-on-exec")];
    remarks
        .extend(flags.iter().filter(|(set, _)| *set && row.shows_flags).map(|(_, name)| (*name).to_owned()));
    remarks
}

/// Returns whether a diagram shows the file offset of an object: that of a device or a directory says nothing.
fn has_offset(object: &Object) -> bool {
    matches!(object, Object::File(path) if !path.starts_with("/dev") && !path.is_dir())
}

/// Returns the remark below the descriptors of a process in a diagram: that it has exited, or how many descriptors
/// are not shown.
pub(super) fn process_remark(process: &Process, hidden: usize) -> Option<String> {
    match process.state {
        ProcessState::Zombie => Some("(no descriptors)".into()),
        ProcessState::Gone => Some("(no such process)".into()),
        _ if hidden == 0 => None,
        _ if hidden == process.rows.len() => Some(format!("({hidden} {}, not shown)", descriptors(hidden))),
        _ => Some(format!("(and {hidden} more {}, not shown)", descriptors(hidden))),
    }
}

fn descriptors(number: usize) -> &'static str {
    if number == 1 { "descriptor" } else { "descriptors" }
}

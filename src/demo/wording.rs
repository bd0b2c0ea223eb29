//! The words of a picture, the same on every stage.

use std::fmt;

use super::access::AccessMode;
use super::picture::{Condition, Picture, Player, Row};
use crate::server;
use crate::sys::Object;

/// What a standard descriptor is called; else nothing.
pub(super) fn standard_name(row: &Row) -> &'static str {
    let names = ["stdin", "stdout", "stderr"];
    usize::try_from(row.number).ok().and_then(|number| names.get(number)).unwrap_or(&"")
}

/// What a descriptor refers to, which end of it, and what is worth knowing of that. Where the picture has a note on it,
/// that tells of the other end.
pub(super) fn object(picture: &Picture, player: &Player, row: &Row, noted: bool) -> String {
    let end = match row.access {
        Some(access) if matches!(row.object, Object::Pipe { .. }) => {
            let far_end = if noted { String::new() } else { far_end(picture, player, row, access) };
            format!(", {} end{far_end}", verb(access))
        }
        _ => String::new(),
    };
    let remarks = remarks(row).into_iter().map(|remark| format!(", {remark}"));
    format!("{}{end}{}", name(&row.object), remarks.collect::<String>())
}

/// Of a file that was made for the story only its own name: the directory's is long, and means nothing.
fn name(object: &Object) -> String {
    let Object::File(path) = object else { return object.to_string() };
    let ours = server::directory().and_then(|directory| directory.canonicalize().ok());
    match path.file_name() {
        Some(name) if ours.is_some_and(|ours| path.starts_with(ours)) => {
            Object::File(name.into()).to_string()
        }
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

/// Who holds the other end of a pipe, where no line shows it.
fn far_end(picture: &Picture, player: &Player, row: &Row, access: AccessMode) -> String {
    let Some(shared) = row.shared() else { return String::new() };
    let mut holders = picture.holders(shared);
    holders.retain(|(_, held)| held.access.is_some_and(|theirs| theirs != access));
    let (who, done) = if access == AccessMode::ReadOnly { ("writer", "written") } else { ("reader", "read") };
    match holders.first() {
        None => format!("; no {who} here"),
        Some(_) if holders.iter().any(|(_, held)| held.visible) => String::new(),
        Some((other, _)) if other.role == player.role => String::new(),
        Some((other, _)) => format!(", {done} by {}", other.program),
    }
}

/// The offset in a file, and the flags where the story is about them.
fn remarks(row: &Row) -> Vec<String> {
    let Some(open) = row.open else { return Vec::new() };
    let mut remarks = Vec::new();
    if is_regular(&row.object) {
        remarks.push(format!("offset {}", open.offset));
    }
    let flags =
        [(open.append, "O_APPEND"), (open.nonblocking, "O_NONBLOCK"), (open.close_on_exec, "close-on-exec")];
    remarks
        .extend(flags.iter().filter(|(set, _)| *set && row.tells_flags).map(|(_, name)| (*name).to_owned()));
    remarks
}

/// Devices have no place where the next read begins.
fn is_regular(object: &Object) -> bool {
    matches!(object, Object::File(path) if !path.starts_with("/dev") && !path.is_dir())
}

/// What is to be said below the descriptors of a process.
pub(super) fn remark(player: &Player, left_out: usize) -> Option<String> {
    match player.condition {
        Condition::Zombie => Some("(no descriptors any more)".into()),
        Condition::Gone => Some("(no such process any more)".into()),
        _ if left_out == 0 => None,
        _ if left_out == player.rows.len() => {
            Some(format!("({left_out} descriptors, none of which plays a part here)"))
        }
        _ => Some(format!("(and {left_out} more that play no part here)")),
    }
}

/// One line for each process, for the report of a claim that is not so.
impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, player) in self.processes.iter().enumerate() {
            let break_line = if place > 0 { "\n" } else { "" };
            write!(f, "{break_line}{} ({}), {}:", player.role, player.pid, player.condition)?;
            for row in player.rows.iter().filter(|row| row.visible) {
                write!(f, " {}={};", row.number, row.object)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Alive(None) => f.write_str("alive"),
            Condition::Alive(Some(place)) => write!(f, "blocked in {place}"),
            Condition::Stopped => f.write_str("stopped by a signal"),
            Condition::Zombie => f.write_str("zombie: ended, and not yet reaped"),
            Condition::Gone => f.write_str("reaped"),
        }
    }
}

//! Linux: proc(5) with the `fdinfo` of each descriptor, and sock_diag(7) for the other ends of Unix sockets.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::io;
use std::os::fd::RawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use nix::unistd::Pid;

use super::process::{described, sockets};
use super::sock_diag;
use crate::sys::types::{AccessMode, DescriptorEnd, Object, Peer, Socket, SocketName};

/// The sockets of this network namespace.
#[derive(Debug)]
pub struct DescriptorSnapshot {
    sockets: HashMap<u64, Socket>,
    peers: HashMap<u64, Peer>,
}

impl DescriptorSnapshot {
    /// A kernel without `CONFIG_UNIX_DIAG` does not tell who is connected with whom; the rest stays true.
    pub fn take() -> io::Result<DescriptorSnapshot> {
        fs::metadata("/proc/self/fdinfo").map_err(|_| io::ErrorKind::Unsupported)?;
        Ok(DescriptorSnapshot { peers: sock_diag::read().unwrap_or_default(), sockets: sockets() })
    }

    pub fn descriptors(&self, pid: Pid) -> io::Result<Vec<DescriptorEnd>> {
        let table = described(pid, |_| Cow::Borrowed(&self.sockets))?;
        Ok(table.into_iter().map(|entry| self.end(pid, entry.number, entry.object)).collect())
    }

    fn end(&self, pid: Pid, number: RawFd, object: Object) -> DescriptorEnd {
        let information = fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}")).unwrap_or_default();
        let link = format!("/proc/{pid}/fd/{number}");
        let peer = self.peer(&object, &link, &information);
        let detail = match peer {
            Peer::Terminal(number) => format!("the master of /dev/pts/{number}"),
            _ => detail(pid, &object, &link, &information),
        };
        let device = fs::metadata(&link).map_or(0, |meta| meta.dev());
        DescriptorEnd { number, access: access_mode(pid, number), object, device, peer, detail }
    }

    fn peer(&self, object: &Object, link: &str, information: &str) -> Peer {
        match object {
            Object::Socket(Socket { id, name: SocketName::Unix(_), listening: false }) => {
                self.peers.get(id).copied().unwrap_or_default()
            }
            Object::Terminal(_) | Object::File(_) => terminal(link, information),
            _ => Peer::Named,
        }
    }
}

/// Which end of which pseudo-terminal it is, if any: pts(4). `fdinfo` tells the number at the master's side.
fn terminal(link: &str, information: &str) -> Peer {
    // Documentation/admin-guide/devices.txt: 136 to 143 are the terminals of `/dev/pts`.
    const TERMINALS: std::ops::RangeInclusive<u64> = 136..=143;
    if let Some(number) = field(information, "tty-index").and_then(|text| text.parse().ok()) {
        return Peer::Terminal(number);
    }
    let device = fs::metadata(link).map_or(0, |meta| meta.rdev());
    let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
    let number = u32::try_from(minor + (major.saturating_sub(136) << 8)).ok();
    number.filter(|_| TERMINALS.contains(&major)).map_or(Peer::Named, Peer::TerminalMaster)
}

/// The permissions of the link `/proc/PID/fd/N` are the mode that the file was opened with (proc(5)).
pub fn access_mode(pid: Pid, number: RawFd) -> Option<AccessMode> {
    const READ: u32 = 0o400;
    const WRITE: u32 = 0o200;
    let mode = fs::symlink_metadata(format!("/proc/{pid}/fd/{number}")).ok()?.permissions().mode();
    match (mode & READ != 0, mode & WRITE != 0) {
        (true, true) => Some(AccessMode::ReadWrite),
        (true, false) => Some(AccessMode::ReadOnly),
        (false, true) => Some(AccessMode::WriteOnly),
        (false, false) => None,
    }
}

fn detail(pid: Pid, object: &Object, link: &str, information: &str) -> String {
    match object {
        Object::Pipe { .. } => fifo(link),
        Object::File(path) => position(path, link, information),
        Object::Socket(Socket { name: SocketName::Other, .. }) => foreign(pid),
        Object::Other(name) => special(name, link, information),
        _ => String::new(),
    }
}

/// A pipe without a name has none, and its link says `pipe:[1234]`.
fn fifo(link: &str) -> String {
    let path = fs::read_link(link).ok().filter(|path| path.is_absolute());
    path.map_or_else(String::new, |path| format!("FIFO {}", path.display()))
}

/// A device or directory has no position worth telling.
fn position(path: &Path, link: &str, information: &str) -> String {
    let position = field(information, "pos").and_then(|text| text.parse::<u64>().ok());
    match (fs::metadata(link), position) {
        (Ok(meta), Some(position)) if meta.is_file() => {
            let memory = if path.starts_with("/memfd:") { "in memory alone, " } else { "" };
            format!("{memory}at byte {position} of {}", meta.len())
        }
        _ => String::new(),
    }
}

/// Why a socket is in none of the tables.
fn foreign(pid: Pid) -> String {
    let namespace = |who: &str| fs::read_link(format!("/proc/{who}/ns/net")).ok();
    let text = match (namespace(&pid.to_string()), namespace("self")) {
        (Some(theirs), Some(ours)) if theirs != ours => {
            "of another network namespace, whose connections are not seen from here"
        }
        _ => "neither TCP, UDP nor Unix, or not yet bound or connected",
    };
    text.to_owned()
}

/// `Documentation/filesystems/proc.rst`, section 3.8.
fn special(name: &str, link: &str, information: &str) -> String {
    let of = |key: &str| field(information, key);
    match name.trim_start_matches("anon_inode:").trim_matches(['[', ']']) {
        "eventfd" => of("eventfd-count").map(|text| format!("count {}", hexadecimal(text))),
        "eventpoll" => Some(watched(information)),
        "timerfd" => of("it_value").map(timer),
        "signalfd" => of("sigmask").map(|text| format!("for signals {}", signals(hexadecimal(text)))),
        "inotify" => Some(format!(
            "{} watches",
            information.lines().filter(|line| line.starts_with("inotify")).count()
        )),
        "pidfd" => of("Pid").map(|text| format!("of process {text}")),
        name if name.starts_with("memfd:") => {
            fs::metadata(link).ok().map(|meta| format!("in memory alone, {} bytes", meta.len()))
        }
        _ => None,
    }
    .unwrap_or_default()
}

fn field<'a>(information: &'a str, key: &str) -> Option<&'a str> {
    let mut values = information.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    values.next().map(str::trim)
}

fn hexadecimal(text: &str) -> u64 {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap_or_default()
}

/// Lines of the form `tfd:        5 events:       19 data: …`.
fn watched(information: &str) -> String {
    let numbers = information.lines().filter_map(|line| line.strip_prefix("tfd:")?.split_whitespace().next());
    let numbers: Vec<_> = numbers.collect();
    match numbers.len() {
        0 => "watches nothing".into(),
        _ => format!("watches {}", numbers.join(", ")),
    }
}

/// `(seconds, nanoseconds)` until it goes off.
fn timer(value: &str) -> String {
    let mut parts =
        value.trim_matches(['(', ')']).split(',').map(|part| part.trim().parse::<u64>().unwrap_or(0));
    match (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) {
        (0, 0) => "disarmed".into(),
        (seconds, nanoseconds) => format!("goes off in {seconds}.{:03} s", nanoseconds / 1_000_000),
    }
}

fn signals(mask: u64) -> String {
    let mut text = String::new();
    for number in (1..=64).filter(|number| mask & 1 << (number - 1) != 0) {
        let comma = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{comma}{number}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fdinfo_says_is_told_in_a_few_words() {
        assert_eq!(
            special("anon_inode:[eventfd]", "", "pos:\t0\neventfd-count:               1f\n"),
            "count 31"
        );
        let epoll =
            "pos:\t0\ntfd:        5 events:       19 data: 5\ntfd:       12 events:       19 data: 1\n";
        assert_eq!(special("anon_inode:[eventpoll]", "", epoll), "watches 5, 12");
        let timer = "clockid: 1\nit_value: (1, 250000000)\nit_interval: (0, 0)\n";
        assert_eq!(special("anon_inode:[timerfd]", "", timer), "goes off in 1.250 s");
        assert_eq!(special("anon_inode:[signalfd]", "", "sigmask:\t0000000000004002\n"), "for signals 2, 15");
        assert_eq!(special("anon_inode:[pidfd]", "", "Pid:\t4711\n"), "of process 4711");
        assert_eq!(special("anon_inode:[io_uring]", "", ""), "");
    }
}

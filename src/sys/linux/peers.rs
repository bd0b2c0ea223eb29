//! Descriptors with the objects at their other ends: `/proc/PID/fdinfo` (proc(5)), sock_diag(7).

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::os::fd::RawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::stat::{major, minor};
use nix::unistd::Pid;

use super::descriptors::{access_mode, descriptors_with};
use super::sock_diag::unix_peers;
use super::sockets::all_sockets;
use crate::sys::types::{DescriptorEnd, Object, Peer, Socket, SocketName};
use crate::sys::unsupported::unsupported;

/// A snapshot of the sockets in this network namespace, in which the other end of a descriptor can be looked up.
#[derive(Debug)]
pub struct DescriptorSnapshot {
    sockets: HashMap<u64, Socket>,
    unix_peers: HashMap<u64, Peer>,
}

impl DescriptorSnapshot {
    /// Takes a snapshot of the kernel's tables of sockets. On a kernel without `CONFIG_UNIX_DIAG`, the peers of Unix
    /// domain sockets are missing.
    ///
    /// # Errors
    /// `Unsupported` if `/proc` has no `fdinfo`.
    pub fn read_from_kernel() -> io::Result<DescriptorSnapshot> {
        if fs::metadata("/proc/self/fdinfo").is_err() {
            return unsupported("/proc has no fdinfo");
        }
        Ok(DescriptorSnapshot { unix_peers: unix_peers().unwrap_or_default(), sockets: all_sockets() })
    }

    /// Lists the open descriptors of `pid` in ascending order. The list is empty for a process that has exited.
    ///
    /// # Errors
    /// `PermissionDenied` for another user's process.
    pub fn descriptors(&self, pid: Pid) -> io::Result<Vec<DescriptorEnd>> {
        let table = descriptors_with(pid, |_| Cow::Borrowed(&self.sockets))?;
        Ok(table.into_iter().map(|entry| self.describe(pid, entry.number, entry.object)).collect())
    }

    fn describe(&self, pid: Pid, number: RawFd, object: Object) -> DescriptorEnd {
        let fdinfo = fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}")).unwrap_or_default();
        let link = format!("/proc/{pid}/fd/{number}");
        let peer = self.peer(&object, &link, &fdinfo);
        let detail = match peer {
            Peer::Terminal(number) => format!("the master of /dev/pts/{number}"),
            _ => detail(pid, &object, &link, &fdinfo),
        };
        let device = fs::metadata(&link).map_or(0, |meta| meta.dev());
        DescriptorEnd { number, access: access_mode(pid, number), object, device, peer, detail }
    }

    fn peer(&self, object: &Object, link: &str, fdinfo: &str) -> Peer {
        match object {
            Object::Socket(Socket { id, name: SocketName::Unix(_), listening: false }) => {
                self.unix_peers.get(id).copied().unwrap_or_default()
            }
            Object::Terminal(_) | Object::File(_) => terminal_peer(link, fdinfo),
            _ => Peer::Named,
        }
    }
}

/// Returns the other end of a descriptor of a pseudo-terminal: pts(4). On the master's side `fdinfo` contains the
/// terminal's number.
fn terminal_peer(link: &str, fdinfo: &str) -> Peer {
    // Major device numbers of `/dev/pts`: Documentation/admin-guide/devices.txt.
    const PTS_MAJORS: RangeInclusive<u64> = 136..=143;
    if let Some(number) = field(fdinfo, "tty-index").and_then(|text| text.parse().ok()) {
        return Peer::Terminal(number);
    }
    let device = fs::metadata(link).map_or(0, |meta| meta.rdev());
    let (major, minor) = (major(device), minor(device));
    let number = u32::try_from(minor + (major.saturating_sub(*PTS_MAJORS.start()) << 8)).ok();
    number.filter(|_| PTS_MAJORS.contains(&major)).map_or(Peer::Named, Peer::TerminalMaster)
}

/// Describes the object that a descriptor refers to in a few words, such as the position in a file.
fn detail(pid: Pid, object: &Object, link: &str, fdinfo: &str) -> String {
    match object {
        Object::Pipe { .. } => fifo_path(link),
        Object::File(path) => file_position(path, link, fdinfo),
        Object::Socket(Socket { name: SocketName::Other, .. }) => unknown_socket(pid),
        Object::Other(name) => kernel_object(name, link, fdinfo),
        _ => String::new(),
    }
}

/// Returns the path of a FIFO, or an empty text for an unnamed pipe, whose link says `pipe:[1234]`.
fn fifo_path(link: &str) -> String {
    let path = fs::read_link(link).ok().filter(|path| path.is_absolute());
    path.map_or_else(String::new, |path| format!("FIFO {}", path.display()))
}

/// Returns a description of a descriptor's position in a regular file. Devices and directories have no position.
fn file_position(path: &Path, link: &str, fdinfo: &str) -> String {
    let position = field(fdinfo, "pos").and_then(|text| text.parse::<u64>().ok());
    match (fs::metadata(link), position) {
        (Ok(meta), Some(position)) if meta.is_file() => {
            let memory = if path.starts_with("/memfd:") { "in memory only, " } else { "" };
            format!("{memory}at byte {position} of {}", meta.len())
        }
        _ => String::new(),
    }
}

/// Returns the reason why a socket of the process `pid` is in none of the kernel's socket tables.
fn unknown_socket(pid: Pid) -> String {
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).ok();
    let text = match (namespace(&pid.to_string()), namespace("self")) {
        (Some(theirs), Some(ours)) if theirs != ours => {
            "in another network namespace, whose connections are not visible here"
        }
        _ => "neither TCP, UDP nor Unix, or neither bound nor connected",
    };
    text.to_owned()
}

/// Describes a kernel object without a file, such as a timer or an epoll set: `Documentation/filesystems/proc.rst`,
/// section 3.8.
fn kernel_object(name: &str, link: &str, fdinfo: &str) -> String {
    let value = |key: &str| field(fdinfo, key);
    match name.trim_start_matches("anon_inode:").trim_matches(['[', ']']) {
        "eventfd" => value("eventfd-count").map(|text| format!("count {}", hexadecimal(text))),
        "eventpoll" => Some(watched_descriptors(fdinfo)),
        "timerfd" => value("it_value").map(timer),
        "signalfd" => value("sigmask").map(|text| format!("for signals {}", signals(hexadecimal(text)))),
        "inotify" => {
            let watches = fdinfo.lines().filter(|line| line.starts_with("inotify")).count();
            Some(format!("{watches} watches"))
        }
        "pidfd" => value("Pid").map(|text| format!("of process {text}")),
        name if name.starts_with("memfd:") => {
            fs::metadata(link).ok().map(|meta| format!("in memory only, {} bytes", meta.len()))
        }
        _ => None,
    }
    .unwrap_or_default()
}

fn field<'a>(fdinfo: &'a str, key: &str) -> Option<&'a str> {
    let mut values = fdinfo.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    values.next().map(str::trim)
}

fn hexadecimal(text: &str) -> u64 {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap_or_default()
}

/// Lists the descriptors in an epoll set. A line looks like `tfd:        5 events:       19 data: …`.
fn watched_descriptors(fdinfo: &str) -> String {
    let numbers = fdinfo.lines().filter_map(|line| line.strip_prefix("tfd:")?.split_whitespace().next());
    let numbers: Vec<_> = numbers.collect();
    match numbers.len() {
        0 => "watches nothing".into(),
        _ => format!("watches {}", numbers.join(", ")),
    }
}

/// Formats the remaining time of a timer descriptor, given as `(seconds, nanoseconds)`.
fn timer(value: &str) -> String {
    let mut parts =
        value.trim_matches(['(', ')']).split(',').map(|part| part.trim().parse::<u64>().unwrap_or(0));
    match (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) {
        (0, 0) => "disarmed".into(),
        (seconds, nanoseconds) => format!("expires in {seconds}.{:03} s", nanoseconds / 1_000_000),
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
    fn describes_kernel_objects() {
        assert_eq!(
            kernel_object("anon_inode:[eventfd]", "", "pos:\t0\neventfd-count:               1f\n"),
            "count 31"
        );
        let epoll =
            "pos:\t0\ntfd:        5 events:       19 data: 5\ntfd:       12 events:       19 data: 1\n";
        assert_eq!(kernel_object("anon_inode:[eventpoll]", "", epoll), "watches 5, 12");
        let timer = "clockid: 1\nit_value: (1, 250000000)\nit_interval: (0, 0)\n";
        assert_eq!(kernel_object("anon_inode:[timerfd]", "", timer), "expires in 1.250 s");
        let mask = "sigmask:\t0000000000004002\n";
        assert_eq!(kernel_object("anon_inode:[signalfd]", "", mask), "for signals 2, 15");
        assert_eq!(kernel_object("anon_inode:[pidfd]", "", "Pid:\t4711\n"), "of process 4711");
        assert_eq!(kernel_object("anon_inode:[io_uring]", "", ""), "");
    }
}

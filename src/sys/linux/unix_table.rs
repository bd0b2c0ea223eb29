//! Linux: the table of Unix domain sockets. proc(5), unix(7).

use std::fs;
use std::io;
use std::path::PathBuf;

pub struct Entry {
    pub inode: u64,
    pub accepts: bool,
    pub is_datagram: bool,
    pub path: Option<PathBuf>,
}

/// `/proc/net/unix`, read here because the procfs crate drops the flags: `__SO_ACCEPTCON` alone tells
/// a socket that listens from one that is only bound.
pub fn read() -> io::Result<Vec<Entry>> {
    let table = fs::read("/proc/net/unix")?;
    Ok(String::from_utf8_lossy(&table).lines().skip(1).filter_map(entry).collect())
}

fn entry(line: &str) -> Option<Entry> {
    const ACCEPTS: u32 = 1 << 16;
    const DATAGRAM: u32 = 2;
    // Num RefCount Protocol Flags Type St Inode [Path]
    let mut columns = line.split_ascii_whitespace().skip(3);
    let flags = u32::from_str_radix(columns.next()?, 16).ok()?;
    let kind = u32::from_str_radix(columns.next()?, 16).ok()?;
    let inode = columns.nth(1)?.parse().ok()?;
    let path = line.split_once(&format!(" {inode} ")).map(|(_, path)| PathBuf::from(path));
    Some(Entry { inode, accepts: flags & ACCEPTS != 0, is_datagram: kind == DATAGRAM, path })
}

//! The table of Unix domain sockets, `/proc/net/unix`: proc(5), unix(7).

use std::fs;
use std::io;
use std::path::PathBuf;

/// A Unix domain socket, as one line of `/proc/net/unix` describes it.
pub struct UnixSocket {
    /// The inode number of the Unix domain socket.
    pub inode: u64,
    /// Whether listen(2) was called on the socket.
    pub listening: bool,
    /// Whether the Unix domain socket is a datagram socket.
    pub datagram: bool,
    /// The path that the socket is bound to. The path begins with `@` for an abstract name.
    pub path: Option<PathBuf>,
}

/// Lists the Unix domain sockets of `/proc/net/unix`. The procfs crate drops the flags, and only the flag
/// `__SO_ACCEPTCON` tells a listening socket from a bound one.
pub fn unix_sockets() -> io::Result<Vec<UnixSocket>> {
    let table = fs::read("/proc/net/unix")?;
    Ok(String::from_utf8_lossy(&table).lines().skip(1).filter_map(parse).collect())
}

fn parse(line: &str) -> Option<UnixSocket> {
    const ACCEPTCON: u32 = 1 << 16;
    const SOCK_DGRAM: u32 = 2;
    // The columns are: Num RefCount Protocol Flags Type St Inode [Path]
    let mut columns = line.split_ascii_whitespace().skip(3);
    let flags = u32::from_str_radix(columns.next()?, 16).ok()?;
    let kind = u32::from_str_radix(columns.next()?, 16).ok()?;
    let inode = columns.nth(1)?.parse().ok()?;
    let path = line.split_once(&format!(" {inode} ")).map(|(_, path)| PathBuf::from(path));
    Some(UnixSocket { inode, listening: flags & ACCEPTCON != 0, datagram: kind == SOCK_DGRAM, path })
}

//! macOS: there is no table of all sockets for ordinary users, so processes are asked for theirs.

use std::io;
use std::net::SocketAddr;

use libproc::net_info::{SocketFDInfo, SocketInfo};
use nix::libc;
use nix::unistd::Pid;

use super::process::{details, socket, table};
use crate::sys::types::{SocketAddress, SocketName, TcpState, covers};

pub fn is_listening(place: SocketAddress<'_>, holders: &dyn Fn() -> Vec<Pid>) -> io::Result<bool> {
    for pid in holders() {
        if sockets(pid)?.iter().any(|info| is_at(info, place)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn sockets(pid: Pid) -> io::Result<Vec<SocketInfo>> {
    let info = |entry| details(pid, entry).map(|info: SocketFDInfo| info.psi);
    Ok(table(pid)?.iter().filter_map(info).collect())
}

fn is_at(info: &SocketInfo, place: SocketAddress<'_>) -> bool {
    let socket = socket(info);
    match (place, socket.name) {
        (SocketAddress::Tcp(asked), SocketName::Tcp(local, _)) => socket.listening && covers(local, asked),
        (SocketAddress::Udp(asked), SocketName::Udp(local, _)) => covers(local, asked),
        // An accepted connection carries its listener's path too (`unp_connect`).
        (SocketAddress::Unix(asked), SocketName::Unix(Some(path))) => {
            path == asked && (socket.listening || info.soi_type == libc::SOCK_DGRAM)
        }
        _ => false,
    }
}

pub fn socket_id_at(_place: SocketAddress<'_>) -> io::Result<Option<u64>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A connection in TIME_WAIT has no descriptor left for libproc to show.
pub fn tcp_sockets(_port: u16) -> io::Result<Vec<(SocketAddr, SocketAddr, TcpState)>> {
    Err(io::ErrorKind::Unsupported.into())
}

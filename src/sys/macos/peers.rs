//! Descriptors with the objects at their other ends: `proc_pidfdinfo` shows the handle of a peer.

use std::io;

use libproc::file_info::ProcFDInfo;
use libproc::net_info::{SocketFDInfo, SocketInfo, SocketInfoKind};
use nix::unistd::Pid;

use super::descriptors::{access_mode, descriptor_info, descriptor_table, object};
use crate::sys::types::{DescriptorEnd, Object, Peer, SocketName};

/// A view of the descriptors of all processes, with their other ends. macOS has no shared tables to read beforehand.
#[derive(Debug)]
pub struct DescriptorSnapshot;

impl DescriptorSnapshot {
    /// Returns a view of the descriptors of all processes.
    ///
    /// Verified: type-checked; it reads nothing.
    ///
    /// # Errors
    /// None.
    pub fn read_from_kernel() -> io::Result<DescriptorSnapshot> {
        Ok(DescriptorSnapshot)
    }

    /// Lists the open descriptors of `pid` in ascending order. The list is empty for a process that has exited.
    ///
    /// Verified: against `struct un_sockinfo` of `<sys/proc_info.h>`: `unsi_conn_so`. Look first at a socketpair(2)
    /// between two processes.
    ///
    /// # Errors
    /// `PermissionDenied` for another user's process.
    pub fn descriptors(&self, pid: Pid) -> io::Result<Vec<DescriptorEnd>> {
        let describe = |entry: &ProcFDInfo| {
            let object = object(pid, entry);
            let peer = match &object {
                Object::Socket(socket) if matches!(socket.name, SocketName::Unix(_)) => {
                    descriptor_info(pid, entry).map_or(Peer::Named, |info: SocketFDInfo| unix_peer(&info.psi))
                }
                _ => Peer::Named,
            };
            let number = entry.proc_fd;
            let access = access_mode(pid, number);
            DescriptorEnd { number, access, object, device: 0, peer, detail: String::new() }
        };
        Ok(descriptor_table(pid)?.iter().map(describe).collect())
    }
}

#[expect(unsafe_code, reason = "the structures of all address families share a union")]
fn unix_peer(info: &SocketInfo) -> Peer {
    if !matches!(SocketInfoKind::from(info.soi_kind), SocketInfoKind::Un) {
        return Peer::Named;
    }
    // SAFETY: the kernel has written the whole union, and all bytes are valid for an integer.
    match unsafe { info.soi_proto.pri_un.unsi_conn_so } {
        0 => Peer::Named,
        handle => Peer::UnixSocket(handle),
    }
}

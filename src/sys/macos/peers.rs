//! macOS: libproc tells the handle of the peer, of pipes and Unix sockets; `<sys/proc_info.h>`.

use std::io;
use std::os::fd::RawFd;

use libproc::net_info::{SocketFDInfo, SocketInfo, SocketInfoKind};
use nix::unistd::Pid;

use super::process::{details, object, openness, table};
use crate::sys::types::{AccessMode, DescriptorEnd, Object, Peer, SocketName};

/// There are no tables that all processes share.
#[derive(Debug)]
pub struct DescriptorSnapshot;

impl DescriptorSnapshot {
    pub fn take() -> io::Result<DescriptorSnapshot> {
        Ok(DescriptorSnapshot)
    }

    pub fn descriptors(&self, pid: Pid) -> io::Result<Vec<DescriptorEnd>> {
        let end = |entry| {
            let object = object(pid, entry);
            let peer = match &object {
                Object::Socket(socket) if matches!(socket.name, SocketName::Unix(_)) && !socket.listening => {
                    details(pid, entry).map_or(Peer::Named, |info: SocketFDInfo| peer(&info.psi))
                }
                _ => Peer::Named,
            };
            let number = entry.proc_fd;
            DescriptorEnd {
                number,
                access: access_mode(pid, number),
                object,
                device: 0,
                peer,
                detail: String::new(),
            }
        };
        Ok(table(pid)?.iter().map(end).collect())
    }
}

#[expect(unsafe_code, reason = "C puts the parts of all families into one union")]
fn peer(info: &SocketInfo) -> Peer {
    if !matches!(SocketInfoKind::from(info.soi_kind), SocketInfoKind::Un) {
        return Peer::Named;
    }
    // SAFETY: the kernel has filled the whole union; any bytes make an integer.
    match unsafe { info.soi_proto.pri_un.unsi_conn_so } {
        0 => Peer::Named,
        handle => Peer::UnixSocket(handle),
    }
}

/// `<sys/fcntl.h>`: what `fi_openflags` holds is the kernel's FREAD and FWRITE, not `O_RDONLY` and its like.
pub fn access_mode(pid: Pid, number: RawFd) -> Option<AccessMode> {
    const FREAD: u32 = 1;
    const FWRITE: u32 = 2;
    let entry = table(pid).ok()?.into_iter().find(|entry| entry.proc_fd == number)?;
    let flags = openness(pid, &entry)?;
    match (flags & FREAD != 0, flags & FWRITE != 0) {
        (true, true) => Some(AccessMode::ReadWrite),
        (true, false) => Some(AccessMode::ReadOnly),
        (false, true) => Some(AccessMode::WriteOnly),
        (false, false) => None,
    }
}

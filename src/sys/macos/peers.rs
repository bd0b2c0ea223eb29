//! macOS: libproc tells the handle of the peer, of pipes and Unix sockets; `<sys/proc_info.h>`.

use std::io;
use std::os::fd::RawFd;

use libproc::net_info::{SocketFDInfo, SocketInfo, SocketInfoKind};
use nix::unistd::Pid;

use super::process::{details, object, openness, table};
use crate::sys::types::{Access, End, Object, Partner, SocketName};

/// There are no tables that all processes share.
#[derive(Debug)]
pub struct Survey;

impl Survey {
    pub fn begin() -> io::Result<Survey> {
        Ok(Survey)
    }

    pub fn ends(&self, pid: Pid) -> io::Result<Vec<End>> {
        let end = |entry| {
            let object = object(pid, entry);
            let partner = match &object {
                Object::Socket(socket) if matches!(socket.name, SocketName::Unix(_)) && !socket.listening => {
                    details(pid, entry).map_or(Partner::Named, |info: SocketFDInfo| peer(&info.psi))
                }
                _ => Partner::Named,
            };
            let number = entry.proc_fd;
            End { number, access: access(pid, number), object, device: 0, partner, detail: String::new() }
        };
        Ok(table(pid)?.iter().map(end).collect())
    }
}

#[expect(unsafe_code, reason = "C puts the parts of all families into one union")]
fn peer(info: &SocketInfo) -> Partner {
    if !matches!(SocketInfoKind::from(info.soi_kind), SocketInfoKind::Un) {
        return Partner::Named;
    }
    // SAFETY: the kernel has filled the whole union; any bytes make an integer.
    match unsafe { info.soi_proto.pri_un.unsi_conn_so } {
        0 => Partner::Named,
        handle => Partner::Socket(handle),
    }
}

/// `<sys/fcntl.h>`: what `fi_openflags` holds is the kernel's FREAD and FWRITE, not `O_RDONLY` and its like.
pub fn access(pid: Pid, number: RawFd) -> Option<Access> {
    const FREAD: u32 = 1;
    const FWRITE: u32 = 2;
    let entry = table(pid).ok()?.into_iter().find(|entry| entry.proc_fd == number)?;
    let flags = openness(pid, &entry)?;
    match (flags & FREAD != 0, flags & FWRITE != 0) {
        (true, true) => Some(Access::Both),
        (true, false) => Some(Access::Read),
        (false, true) => Some(Access::Write),
        (false, false) => None,
    }
}

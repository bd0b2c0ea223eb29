//! macOS: `struct proc_fileinfo` of `<sys/proc_info.h>`.

use std::io;
use std::os::fd::RawFd;

use nix::unistd::Pid;

use super::process::file_info;
use crate::sys::types::OpenFile;

/// `fi_openflags` holds the kernel's own flags, see `<sys/fcntl.h>`.
const FREAD: u32 = 1;
const FWRITE: u32 = 2;
const FNONBLOCK: u32 = 4;
const FAPPEND: u32 = 8;
/// `PROC_FP_CLEXEC` of `<sys/proc_info.h>`.
const CLOSE_ON_EXEC: u32 = 2;

pub fn open_file(pid: Pid, number: RawFd) -> io::Result<OpenFile> {
    let info = file_info(pid, number)?;
    let has = |flag: u32| info.fi_openflags & flag != 0;
    Ok(OpenFile {
        readable: has(FREAD),
        writable: has(FWRITE),
        offset: u64::try_from(info.fi_offset).unwrap_or_default(),
        append: has(FAPPEND),
        nonblocking: has(FNONBLOCK),
        close_on_exec: info.fi_status & CLOSE_ON_EXEC != 0,
    })
}

/// libproc shows no name of the open file description itself.
pub fn same_open_file(_one: (Pid, RawFd), _other: (Pid, RawFd)) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

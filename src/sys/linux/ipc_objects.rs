//! Linux: proc(5) for System V; POSIX objects are files in `/dev/shm` and, where it is mounted, `/dev/mqueue`.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::libc;
use nix::sys::stat::makedev;
use nix::unistd::Pid;
use procfs::process::Process as ProcEntry;

use crate::sys::types::{IpcId, IpcObject};

const FOLDERS: [&str; 2] = ["/dev/shm", "/dev/mqueue"];

/// `SHM_DEST`, in the permissions: removed, and still attached somewhere.
const DOOMED: u32 = 0o1000;

pub fn ipc_objects() -> io::Result<Vec<IpcObject>> {
    let tables = [table("shm", memory), table("msg", queue), table("sem", semaphores)];
    let folders = FOLDERS.map(folder);
    if tables.iter().all(Result::is_err) && folders.iter().all(Result::is_err) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    Ok(tables.into_iter().chain(folders).filter_map(Result::ok).flatten().collect())
}

fn table(name: &str, read: fn(&[i64]) -> Option<IpcObject>) -> io::Result<Vec<IpcObject>> {
    let text = fs::read_to_string(format!("/proc/sysvipc/{name}"))?;
    Ok(text.lines().skip(1).filter_map(|line| read(&numbers(line)?)).collect())
}

/// The columns of a line; permissions are octal, but nothing above reads them as a number but [`DOOMED`].
fn numbers(line: &str) -> Option<Vec<i64>> {
    line.split_whitespace().map(|column| column.parse().ok()).collect()
}

// key shmid perms size cpid lpid nattch uid gid cuid …
fn memory(columns: &[i64]) -> Option<IpcObject> {
    let permissions = u32::from_str_radix(&columns.get(2)?.to_string(), 8).ok()?;
    let entry = system_v(columns, IpcId::SharedMemory, *columns.get(9)?, &[*columns.get(4)?])?;
    let attached = *columns.get(6)? > 0;
    (permissions & DOOMED == 0).then_some(IpcObject { attached, ..entry })
}

// key msqid perms cbytes qnum lspid lrpid uid gid cuid …
fn queue(columns: &[i64]) -> Option<IpcObject> {
    system_v(columns, IpcId::MessageQueue, *columns.get(9)?, &[*columns.get(5)?, *columns.get(6)?])
}

// key semid perms nsems uid gid cuid …
fn semaphores(columns: &[i64]) -> Option<IpcObject> {
    let entry = system_v(columns, IpcId::SemaphoreSet, *columns.get(6)?, &[])?;
    Some(IpcObject { semaphores: i32::try_from(*columns.get(3)?).ok()?, ..entry })
}

fn system_v(columns: &[i64], name: fn(i32) -> IpcId, creator: i64, pids: &[i64]) -> Option<IpcObject> {
    let (&key, &id) = (columns.first()?, columns.get(1)?);
    let pids = pids.iter().filter_map(|&pid| i32::try_from(pid).ok()).filter(|&pid| pid != 0);
    Some(IpcObject {
        name: name(i32::try_from(id).ok()?),
        creator: u32::try_from(creator).ok()?,
        // Printed as signed by some kernels and as unsigned by others.
        key: i32::try_from(key).or_else(|_| u32::try_from(key).map(u32::cast_signed)).ok()?,
        pids: pids.map(Pid::from_raw).collect(),
        attached: false,
        semaphores: 0,
    })
}

fn folder(path: &str) -> io::Result<Vec<IpcObject>> {
    let named = |entry: fs::DirEntry| {
        let meta = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        let name = IpcId::File(entry.path());
        Some(IpcObject {
            name,
            creator: meta.uid(),
            key: 0,
            pids: Vec::new(),
            attached: false,
            semaphores: 0,
        })
    };
    Ok(fs::read_dir(path)?.filter_map(|entry| named(entry.ok()?)).collect())
}

/// Of a semaphore set the table names nobody, but each semaphore knows who changed it last.
pub fn ipc_object_processes(object: &IpcObject) -> Vec<Pid> {
    const MOST: i32 = 64;
    let IpcId::SemaphoreSet(id) = object.name else { return object.pids.clone() };
    let last = |number| last_to_change(id, number).ok().filter(|&pid| pid > 0);
    (0..object.semaphores.min(MOST)).filter_map(last).map(Pid::from_raw).collect()
}

#[expect(unsafe_code, reason = "semctl(2) has no safe wrapper")]
fn last_to_change(set: i32, number: i32) -> nix::Result<i32> {
    // SAFETY: GETPID takes no fourth argument and writes nothing; a set that has gone gives EINVAL.
    Errno::result(unsafe { libc::semctl(set, number, libc::GETPID) })
}

pub fn open_ipc_files(pid: Pid, files: &[PathBuf]) -> Vec<PathBuf> {
    let open = open_files(pid);
    let is_open = |path: &&PathBuf| fs::metadata(path).is_ok_and(|it| open.contains(&(it.dev(), it.ino())));
    files.iter().filter(is_open).cloned().collect()
}

/// Device and inode of all that it has open or mapped.
fn open_files(pid: Pid) -> Vec<(u64, u64)> {
    let table = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().filter_map(Result::ok);
    let mut found: Vec<_> =
        table.filter_map(|entry| fs::metadata(entry.path()).ok()).map(|it| (it.dev(), it.ino())).collect();
    if let Ok(maps) = ProcEntry::new(pid.as_raw()).and_then(|entry| entry.maps()) {
        let device = |(major, minor): (i32, i32)| {
            makedev(u64::from(major.cast_unsigned()), u64::from(minor.cast_unsigned()))
        };
        found.extend(maps.into_iter().map(|map| (device(map.dev), map.inode)));
    }
    found
}

#[expect(unsafe_code, reason = "System V calls have no safe wrappers")]
pub fn remove_ipc_object(name: &IpcId) -> io::Result<()> {
    // SAFETY: IPC_RMID takes no buffer; an id that is none gives EINVAL.
    let answer = unsafe {
        match name {
            IpcId::File(path) => return fs::remove_file(path),
            IpcId::SharedMemory(id) => libc::shmctl(*id, libc::IPC_RMID, std::ptr::null_mut()),
            IpcId::MessageQueue(id) => libc::msgctl(*id, libc::IPC_RMID, std::ptr::null_mut()),
            IpcId::SemaphoreSet(id) => libc::semctl(*id, 0, libc::IPC_RMID),
        }
    };
    Errno::result(answer)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_segment_is_no_longer_listed() {
        let line = |permissions: u32| {
            numbers(&format!(" 0 7 {permissions:o} 4096 41 42 1 1000 1000 1000 1000 0 0 0 0 0")).unwrap()
        };
        let object = memory(&line(0o600)).unwrap();
        assert_eq!((object.name, object.creator), (IpcId::SharedMemory(7), 1000));
        assert_eq!(object.pids, [Pid::from_raw(41)]);
        assert!(memory(&line(0o1600)).is_none());
    }

    #[test]
    fn whoever_used_a_queue_last_is_told_and_nobody_of_an_unused_one() {
        let line = |pids| numbers(&format!("-559038737 3 600 0 0 {pids} 0 0 0 0 0 0 0")).unwrap();
        assert_eq!(queue(&line("41 42")).unwrap().pids.len(), 2);
        let unused = queue(&line("0 0")).unwrap();
        assert!(unused.pids.is_empty());
        assert_eq!(unused.to_string(), "System V message queue 3 (key 0xdeadbeef)");
    }
}

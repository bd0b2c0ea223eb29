//! IPC objects: `/proc/sysvipc` (proc(5)), and the files in `/dev/shm` and `/dev/mqueue`.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::libc;
use nix::sys::stat::makedev;
use nix::unistd::Pid;
use procfs::process::Process as ProcEntry;

use crate::sys::types::{IpcId, IpcObject};
use crate::sys::unsupported::unsupported;

/// The directories in which Linux shows POSIX shared memory, semaphores and message queues as files.
const FOLDERS: [&str; 2] = ["/dev/shm", "/dev/mqueue"];

/// The maximum number of files in a directory of IPC objects that are listed. Every user may make files there, and each
/// costs a call of lstat(2) for each launch.
const MAX_FILES: usize = 10_000;

/// The bit `SHM_DEST` in the permissions of a shared memory segment, which was removed and is still attached.
const SHM_DEST: u32 = 0o1000;

/// Lists the IPC objects that this process can see, in no particular order. A removed segment that is still attached is
/// left out, because it goes with its last user.
///
/// # Errors
/// `Unsupported` if `/proc` and `/dev` show none of the tables, or if a folder has more than ten thousand files.
pub fn ipc_objects() -> io::Result<Vec<IpcObject>> {
    let tables = system_v_tables();
    let folders = FOLDERS.map(posix_objects);
    let too_many = |folder: &io::Result<_>| {
        folder.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::QuotaExceeded)
    };
    if tables.iter().all(Result::is_err) && folders.iter().all(Result::is_err) || folders.iter().any(too_many)
    {
        return unsupported("neither /proc/sysvipc nor /dev/mqueue nor /dev/shm can be listed");
    }
    Ok(tables.into_iter().chain(folders).filter_map(Result::ok).flatten().collect())
}

/// Lists the System V objects of the calling thread's IPC namespace.
pub(super) fn system_v_objects() -> Vec<IpcObject> {
    system_v_tables().into_iter().filter_map(Result::ok).flatten().collect()
}

fn system_v_tables() -> [io::Result<Vec<IpcObject>>; 3] {
    [system_v_table("shm", segment), system_v_table("msg", queue), system_v_table("sem", semaphore_set)]
}

fn system_v_table(name: &str, parse: fn(&[i64]) -> Option<IpcObject>) -> io::Result<Vec<IpcObject>> {
    let text = fs::read_to_string(format!("/proc/sysvipc/{name}"))?;
    Ok(text.lines().skip(1).filter_map(|line| parse(&columns(line)?)).collect())
}

/// Splits a line of a table in `/proc/sysvipc` into numbers. The permissions are octal; only [`segment`] uses them.
fn columns(line: &str) -> Option<Vec<i64>> {
    line.split_whitespace().map(|column| column.parse().ok()).collect()
}

// Columns: key shmid perms size cpid lpid nattch uid gid cuid …
fn segment(columns: &[i64]) -> Option<IpcObject> {
    let permissions = u32::from_str_radix(&columns.get(2)?.to_string(), 8).ok()?;
    let entry = system_v(columns, IpcId::SharedMemory, *columns.get(9)?, &[*columns.get(4)?])?;
    let attached = *columns.get(6)? > 0;
    (permissions & SHM_DEST == 0).then_some(IpcObject { attached, ..entry })
}

// Columns: key msqid perms cbytes qnum lspid lrpid uid gid cuid …
fn queue(columns: &[i64]) -> Option<IpcObject> {
    system_v(columns, IpcId::MessageQueue, *columns.get(9)?, &[*columns.get(5)?, *columns.get(6)?])
}

// Columns: key semid perms nsems uid gid cuid …
fn semaphore_set(columns: &[i64]) -> Option<IpcObject> {
    let entry = system_v(columns, IpcId::SemaphoreSet, *columns.get(6)?, &[])?;
    Some(IpcObject { semaphores: i32::try_from(*columns.get(3)?).ok()?, ..entry })
}

fn system_v(columns: &[i64], id: fn(i32) -> IpcId, creator: i64, pids: &[i64]) -> Option<IpcObject> {
    let (&key, &number) = (columns.first()?, columns.get(1)?);
    let pids = pids.iter().filter_map(|&pid| i32::try_from(pid).ok()).filter(|&pid| pid != 0);
    Some(IpcObject {
        id: id(i32::try_from(number).ok()?),
        creator: u32::try_from(creator).ok()?,
        // Some kernels print the key as a signed number, others as an unsigned one.
        key: i32::try_from(key).or_else(|_| u32::try_from(key).map(u32::cast_signed)).ok()?,
        pids: pids.map(Pid::from_raw).collect(),
        attached: false,
        semaphores: 0,
    })
}

/// Lists the files in `folder` that represent POSIX IPC objects.
pub(super) fn posix_objects(folder: impl AsRef<Path>) -> io::Result<Vec<IpcObject>> {
    let object = |entry: fs::DirEntry| {
        let meta = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        let id = IpcId::File(entry.path());
        Some(IpcObject { id, creator: meta.uid(), key: 0, pids: Vec::new(), attached: false, semaphores: 0 })
    };
    let entries: Vec<_> = fs::read_dir(folder)?.take(MAX_FILES + 1).collect();
    if entries.len() > MAX_FILES {
        return Err(io::ErrorKind::QuotaExceeded.into());
    }
    Ok(entries.into_iter().filter_map(|entry| object(entry.ok()?)).collect())
}

/// Returns the processes that the kernel has recorded for `object`: its creator or its last users. They may have
/// exited.
///
/// The table has no process for a semaphore set, but each semaphore has the last process that changed it. A file has
/// none.
#[must_use]
pub fn ipc_object_processes(object: &IpcObject) -> Vec<Pid> {
    const MAX_SEMAPHORES: i32 = 64;
    let IpcId::SemaphoreSet(id) = object.id else { return object.pids.clone() };
    let last = |number| last_process(id, number).ok().filter(|&pid| pid > 0);
    (0..object.semaphores.min(MAX_SEMAPHORES)).filter_map(last).map(Pid::from_raw).collect()
}

/// Returns the process that last changed semaphore `number` of the System V semaphore set `set`.
#[expect(unsafe_code, reason = "semctl(2) has no safe wrapper")]
fn last_process(set: i32, number: i32) -> nix::Result<i32> {
    // SAFETY: GETPID takes no fourth argument and writes no memory. A removed set gives EINVAL.
    Errno::result(unsafe { libc::semctl(set, number, libc::GETPID) })
}

/// Returns those paths of `files`, POSIX IPC objects, that the process `pid` has open or mapped.
#[must_use]
pub fn open_ipc_files(pid: Pid, files: &[PathBuf]) -> Vec<PathBuf> {
    let open = open_or_mapped(pid);
    let is_open =
        |path: &&PathBuf| fs::metadata(path).is_ok_and(|meta| open.contains(&(meta.dev(), meta.ino())));
    files.iter().filter(is_open).cloned().collect()
}

/// Returns device and inode of every file that `pid` has open or mapped.
fn open_or_mapped(pid: Pid) -> Vec<(u64, u64)> {
    let table = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().filter_map(Result::ok);
    let mut found: Vec<_> = table
        .filter_map(|entry| fs::metadata(entry.path()).ok())
        .map(|meta| (meta.dev(), meta.ino()))
        .collect();
    if let Ok(maps) = ProcEntry::new(pid.as_raw()).and_then(|entry| entry.maps()) {
        let device = |(major, minor): (i32, i32)| {
            makedev(u64::from(major.cast_unsigned()), u64::from(minor.cast_unsigned()))
        };
        found.extend(maps.into_iter().map(|map| (device(map.dev), map.inode)));
    }
    found
}

/// Removes an IPC object, as ipcrm(1) does.
///
/// # Errors
/// `EPERM` for another user's object; `EINVAL` or `NotFound` if it does not exist.
#[expect(unsafe_code, reason = "System V calls have no safe wrappers")]
pub fn remove_ipc_object(id: &IpcId) -> io::Result<()> {
    // SAFETY: IPC_RMID takes no buffer. An unknown id gives EINVAL.
    let answer = unsafe {
        match id {
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
    fn removed_segment_is_left_out() {
        let line = |permissions: u32| {
            columns(&format!(" 0 7 {permissions:o} 4096 41 42 1 1000 1000 1000 1000 0 0 0 0 0")).unwrap()
        };
        let object = segment(&line(0o600)).unwrap();
        assert_eq!((object.id, object.creator), (IpcId::SharedMemory(7), 1000));
        assert_eq!(object.pids, [Pid::from_raw(41)]);
        assert!(segment(&line(0o1600)).is_none());
    }

    #[test]
    fn folder_with_too_many_files_is_not_listed() {
        let place = tempfile::TempDir::new().unwrap();
        let path = |number| place.path().join(format!("{number}"));
        (0..MAX_FILES).for_each(|number| drop(fs::File::create(path(number)).unwrap()));
        assert_eq!(posix_objects(place.path()).unwrap().len(), MAX_FILES);
        fs::File::create(path(MAX_FILES)).unwrap();
        assert_eq!(posix_objects(place.path()).unwrap_err().kind(), io::ErrorKind::QuotaExceeded);
    }

    #[test]
    fn queue_names_its_last_users() {
        let line = |pids| columns(&format!("-559038737 3 600 0 0 {pids} 0 0 0 0 0 0 0")).unwrap();
        assert_eq!(queue(&line("41 42")).unwrap().pids.len(), 2);
        let unused = queue(&line("0 0")).unwrap();
        assert!(unused.pids.is_empty());
        assert_eq!(unused.to_string(), "System V message queue 3 (key 0xdeadbeef)");
    }
}

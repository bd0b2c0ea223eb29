//! Directories that killed runs have left in the directory for temporary files.
//!
//! Every user of the machine may make files there, and give them any name. So an entry counts only if it is a directory
//! of this user that no other user can write to. The walk is bounded, and runs in a thread of its own, because a file
//! system can block lstat(2) or unlink(2) for as long as it likes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{TryRecvError, channel};
use std::thread;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};

use crate::deadline::until;
use crate::sys;
use crate::transport::remove_recorded_leftovers;

/// The prefix of the names of the directories for temporary files, one for each run of echospec.
pub(super) const PREFIX: &str = "echospec-";

/// The name of the file in a run's directory that the run locks while it is in progress.
pub(super) const ALIVE: &str = "alive";

/// The maximum number of entries of the system's directory for temporary files that a run examines.
const MAX_ENTRIES: usize = 100_000;

/// The time that a run waits until the directories of killed runs are removed. After this time the removal continues in
/// the background.
const REMOVAL_TIME: Duration = Duration::from_secs(10);

/// Removes the directories of killed runs from the directory `place`, and the message queues recorded there. Returns
/// early if the run is interrupted.
pub(super) fn clear(place: PathBuf) {
    let (at_work, done) = channel::<()>();
    let remover = thread::Builder::new().name("removal".into());
    let started = remover.spawn(move || {
        clear_first_entries(&place, MAX_ENTRIES);
        drop(at_work);
    });
    if started.is_ok() {
        let finished = || Ok((done.try_recv() == Err(TryRecvError::Disconnected)).then_some(()));
        let _ = until(REMOVAL_TIME, finished);
    }
}

/// Examines the first `max` entries of the directory `place`, and removes those that killed runs have left. Returns the
/// number of examined entries.
fn clear_first_entries(place: &Path, max: usize) -> usize {
    let entries = fs::read_dir(place).into_iter().flatten().take(max);
    let look = |entry: io::Result<fs::DirEntry>| {
        let Ok(entry) = entry else { return };
        if entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            clear_if_abandoned(&entry.path(), max);
        }
    };
    entries.map(look).count()
}

fn clear_if_abandoned(directory: &Path, max: usize) {
    if !sys::is_own_directory(directory) {
        return;
    }
    let Ok(_lock) = sys::open_own_file(&directory.join(ALIVE)).and_then(lock) else { return };
    let entries = || fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let servers = entries().take(max).map(|entry| entry.path());
    servers.for_each(|server| remove_recorded_leftovers(&server));
    // The file that is locked goes last. If this process is killed first, the next run goes on.
    for entry in entries().filter(|entry| entry.file_name() != ALIVE) {
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let _ = if is_directory { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
    }
    let _ = fs::remove_dir_all(directory);
}

/// Locks `file`, unless another process has locked it.
///
/// # Errors
/// Those of flock(2); `WouldBlock` if it is locked.
pub(super) fn lock(file: File) -> io::Result<Flock<File>> {
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| error.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    use std::os::unix::net::UnixListener;

    use nix::sys::stat::{Mode, SFlag, mknod, stat};
    use nix::unistd::{geteuid, mkfifo};
    use tempfile::TempDir;

    use super::*;

    fn directory(place: &TempDir, name: &str) -> PathBuf {
        let path = place.path().join(name);
        fs::create_dir(&path).unwrap();
        path
    }

    fn abandoned(place: &TempDir, name: &str) -> PathBuf {
        let path = directory(place, name);
        File::create(path.join(ALIVE)).unwrap();
        path
    }

    #[test]
    fn only_own_directories_without_a_lock_are_removed() {
        let place = TempDir::new().unwrap();
        let dead = abandoned(&place, "echospec-dead");
        let living = abandoned(&place, "echospec-living");
        let _lock = lock(File::open(living.join(ALIVE)).unwrap()).unwrap();
        let kept = [living, abandoned(&place, "other"), directory(&place, "echospec-strange")];
        fs::write(directory(&place, "echospec-dead/s1").join("file"), "").unwrap();
        clear(place.path().to_owned());
        assert!(!dead.exists());
        assert!(kept.iter().all(|path| path.exists()));
    }

    #[test]
    fn entries_that_a_neighbour_may_have_made_are_neither_opened_nor_removed() {
        // Not in TMPDIR: a long one leaves no room for the path of a socket.
        let place = TempDir::new_in("/tmp").unwrap();
        let alive = |name: &str| directory(&place, name).join(ALIVE);
        mkfifo(&alive("echospec-fifo"), Mode::S_IRWXU).unwrap();
        symlink("/etc/passwd", alive("echospec-link")).unwrap();
        let _listener = UnixListener::bind(alive("echospec-socket")).unwrap();
        fs::create_dir(alive("echospec-directory")).unwrap();
        symlink(abandoned(&place, "real"), place.path().join("echospec-linked")).unwrap();
        let shared = abandoned(&place, "echospec-shared");
        fs::set_permissions(shared, fs::Permissions::from_mode(0o777)).unwrap();
        mkfifo(&place.path().join("echospec-pipe"), Mode::S_IRWXU).unwrap();
        let before = fs::read_dir(place.path()).unwrap().count();
        clear(place.path().to_owned());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), before);
        assert!(place.path().join("real").join(ALIVE).exists());
    }

    #[test]
    fn directories_of_another_user_and_devices_stay() {
        if !geteuid().is_root() {
            return testing::skip("only root can give a directory to another user");
        }
        let place = TempDir::new().unwrap();
        let theirs = abandoned(&place, "echospec-theirs");
        let file = abandoned(&place, "echospec-file");
        chown(&theirs, Some(65534), None).unwrap();
        chown(file.join(ALIVE), Some(65534), None).unwrap();
        let device = directory(&place, "echospec-device");
        // The null device of Linux. Others have another number, which is never opened.
        if mknod(&device.join(ALIVE), SFlag::S_IFCHR, Mode::S_IRWXU, stat("/dev/null").unwrap().st_rdev)
            .is_err()
        {
            return testing::skip("this user cannot make a device");
        }
        clear(place.path().to_owned());
        assert!(theirs.exists() && file.exists() && device.exists());
    }

    #[test]
    fn no_more_entries_are_looked_at_than_the_bound() {
        let place = TempDir::new().unwrap();
        (0..20).for_each(|number| drop(abandoned(&place, &format!("echospec-{number}"))));
        assert_eq!(clear_first_entries(place.path(), 7), 7);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 13);
    }
}

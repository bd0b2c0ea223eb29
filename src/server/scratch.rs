//! A private directory for the files and sockets of a server and its clients.
//!
//! Every run has one directory, and each server one below it. The run's directory holds a file that is locked for
//! as long as the run lives (flock(2)). Only a killed run leaves a directory whose file is not locked; the next run
//! removes it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use nix::fcntl::Flock;
use tempfile::TempDir;

use super::abandoned::{self, ALIVE, PREFIX, lock};
use crate::transport::Address;

/// One server's directory, removed when this value is dropped or `sweep` is called.
#[derive(Debug)]
pub struct Scratch {
    directory: Option<TempDir>,
}

/// The directory of the whole run, which exists while a server has a directory below it.
struct Home {
    directory: TempDir,
    _lock: Flock<File>,
    servers: usize,
}

static KEPT: AtomicBool = AtomicBool::new(false);

/// Whether [`remove_all`] has been called, so that threads which still run must make no new directories.
static OVER: AtomicBool = AtomicBool::new(false);

static HOME: Mutex<Option<Home>> = Mutex::new(None);

/// The name of the subdirectory for the server's own temporary files. Beside it are the sockets of the server and its
/// clients.
const TEMPORARY: &str = "tmp";

impl Scratch {
    /// Makes a new, empty directory for a server.
    ///
    /// # Errors
    /// If it cannot be made, and after [`sweep`](super::sweep).
    pub fn new() -> io::Result<Scratch> {
        static ONCE: Once = Once::new();
        // Before the lock is taken: the file system may block this, and then `remove_all` still needs the lock.
        ONCE.call_once(|| abandoned::clear(place()));
        let mut place = home();
        let home = match &mut *place {
            Some(home) => home,
            None if OVER.load(Ordering::SeqCst) => return Err(io::Error::other("the run is over")),
            None => place.insert(Home::new()?),
        };
        let directory = tempfile::Builder::new().prefix("s").tempdir_in(home.directory.path())?;
        fs::create_dir(directory.path().join(TEMPORARY))?;
        home.servers += 1;
        Ok(Scratch { directory: Some(directory) })
    }

    /// Returns the path of the server's directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.as_ref().map_or(Path::new(""), TempDir::path)
    }

    /// Returns the directory of a server at `address`: `{dir}` in its command. The first call makes the directory.
    ///
    /// # Errors
    /// Those of `mkdir(2)`.
    pub(super) fn directory_for(&self, address: &Address) -> io::Result<PathBuf> {
        let directory = match address {
            Address::Inet(inet) => self.path().join(format!("dir-{}", inet.port())),
            _ => self.path().join("dir"),
        };
        fs::create_dir_all(&directory)?;
        Ok(directory)
    }

    /// Returns the server's own directory for temporary files.
    pub fn temporary(&self) -> PathBuf {
        self.path().join(TEMPORARY)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let directory = self.directory.take();
        if are_directories_kept() {
            let _ = directory.map(TempDir::keep);
            return;
        }
        drop(directory);
        let mut place = home();
        if let Some(home) = &mut *place {
            home.servers -= 1;
            if home.servers == 0 {
                *place = None;
            }
        }
    }
}

impl Home {
    fn new() -> io::Result<Home> {
        let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(place())?;
        // Locked before it gets its name, or another process might take the directory for abandoned.
        let unnamed = directory.path().join("new");
        let lock = lock(File::create(&unnamed)?)?;
        fs::rename(unnamed, directory.path().join(ALIVE))?;
        Ok(Home { directory, _lock: lock, servers: 0 })
    }
}

/// Returns the system's place for temporary files, or `/tmp` if that place's name is so long that no socket's path
/// would fit (unix(7)).
fn place() -> PathBuf {
    const ROOM: usize = 52;
    let usual = std::env::temp_dir();
    if usual.as_os_str().len() > ROOM { "/tmp".into() } else { usual }
}

/// Keeps all directories from now on, so that the user can inspect the files that servers leave in them.
pub fn keep_directories() {
    KEPT.store(true, Ordering::SeqCst);
}

pub(super) fn are_directories_kept() -> bool {
    KEPT.load(Ordering::SeqCst)
}

/// Returns the run's directory, if servers are running or [directories are kept](keep_directories).
#[must_use]
pub fn run_directory() -> Option<PathBuf> {
    home().as_ref().map(|home| home.directory.path().to_owned())
}

/// Removes the directories of all servers, for a program that exits without dropping the values that own them.
pub(super) fn remove_all() {
    let mut place = home();
    OVER.store(true, Ordering::SeqCst);
    let Some(home) = place.take() else { return };
    if are_directories_kept() {
        // The lock ends with this process. Without its file, the next run does not take the directory for abandoned.
        let _ = fs::remove_file(home.directory.keep().join(ALIVE));
        return;
    }
    // Another thread may just be binding a client's socket there.
    for _ in 0..REMOVAL_ATTEMPTS {
        if fs::remove_dir_all(home.directory.path()).is_ok() {
            break;
        }
    }
}

/// The maximum number of attempts to remove the run's directory for temporary files.
const REMOVAL_ATTEMPTS: usize = 100;

fn home() -> MutexGuard<'static, Option<Home>> {
    HOME.lock().unwrap_or_else(PoisonError::into_inner)
}

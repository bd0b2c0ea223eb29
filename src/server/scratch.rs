//! A directory for what a server and its clients bind, and for nobody else.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

/// A temporary directory that goes with this value, or with [`remove_all`].
#[derive(Debug)]
pub(super) struct Scratch(TempDir);

static LIVING: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

impl Scratch {
    /// Under `/tmp` where the usual place has a name so long that no socket's path would fit (unix(7)).
    pub fn new() -> io::Result<Scratch> {
        const ROOM: usize = 60;
        let usual = std::env::temp_dir();
        let place = if usual.as_os_str().len() > ROOM { "/tmp".into() } else { usual };
        let directory = tempfile::Builder::new().prefix("echospec-").tempdir_in(place)?;
        living().insert(directory.path().to_owned());
        Ok(Scratch(directory))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        living().remove(self.0.path());
    }
}

/// Removes every directory of servers that live, for a program that ends without dropping them.
pub(super) fn remove_all() {
    for path in living().iter() {
        let _ = fs::remove_dir_all(path);
    }
}

fn living() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    LIVING.lock().unwrap_or_else(PoisonError::into_inner)
}

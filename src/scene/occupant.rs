//! A socket of the scene at the path of the server's socket.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use crate::sys;

/// A socket that the scene has bound in the place of the server's. Its file is removed with this value, if it is still
/// there.
#[derive(Debug)]
pub(super) struct Occupant {
    path: PathBuf,
    /// The device and the inode of the socket file.
    identity: (u64, u64),
    _listener: UnixListener,
}

impl Occupant {
    /// Removes the file at `path`, and listens there.
    pub fn take(path: &Path) -> io::Result<Occupant> {
        fs::remove_file(path)?;
        let listener = sys::between_launches(|| UnixListener::bind(path))?;
        Ok(Occupant { path: path.to_owned(), identity: identity(path)?, _listener: listener })
    }
}

impl Drop for Occupant {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|now| now == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = path.symlink_metadata()?;
    Ok((found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_file_is_removed() {
        let place = tempfile::TempDir::new_in("/tmp").unwrap();
        let path = place.path().join("socket");
        fs::write(&path, "").unwrap();
        drop(Occupant::take(&path).unwrap());
        assert!(!path.exists());
        fs::write(&path, "").unwrap();
        let occupant = Occupant::take(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "of another").unwrap();
        // No other file gets the inode of an open socket's file.
        drop(occupant);
        assert!(path.exists());
    }
}

//! Files and directories in places where every user may put something, such as `/tmp`.
//!
//! Another user may have put a FIFO there, whose open(2) blocks, or a link to a file of this user. The functions of this
//! file look before they open, and look again at the file that they have opened.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::libc::{O_NOCTTY, O_NOFOLLOW, O_NONBLOCK};
use nix::unistd::geteuid;

/// The permission bits of a file that let its group or all other users write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Opens a regular file of this user for reading. Never blocks, and never opens a FIFO, a device or a link.
///
/// # Errors
/// `PermissionDenied` if the file is not a regular file of this user. Those of open(2) and lstat(2).
pub fn open_own_file(path: &Path) -> io::Result<File> {
    // Opening a device can have an effect, such as rewinding a tape, so the path is looked at first.
    expect_own_file(&path.symlink_metadata()?)?;
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(O_NOFOLLOW | O_NONBLOCK | O_NOCTTY).open(path)?;
    // Another file may have taken the path in between.
    expect_own_file(&file.metadata()?)?;
    Ok(file)
}

fn expect_own_file(found: &Metadata) -> io::Result<()> {
    if found.is_file() && is_own(found) {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "not a regular file of this user"))
}

/// Whether `path` is a directory of this user, and no link, in which no other user can make files.
#[must_use]
pub fn is_own_directory(path: &Path) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|found| found.is_dir() && is_own(&found) && found.mode() & WRITABLE_BY_OTHERS == 0)
}

fn is_own(found: &Metadata) -> bool {
    found.uid() == geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn only_a_regular_file_is_opened() {
        // Not in TMPDIR: a long one leaves no room for the path of a socket.
        let place = TempDir::new_in("/tmp").unwrap();
        let path = |name: &str| place.path().join(name);
        fs::write(path("file"), "text").unwrap();
        mkfifo(&path("fifo"), Mode::S_IRWXU).unwrap();
        symlink(path("file"), path("link")).unwrap();
        let _listener = UnixListener::bind(path("socket")).unwrap();
        assert_eq!(io::read_to_string(open_own_file(&path("file")).unwrap()).unwrap(), "text");
        for name in ["fifo", "link", "socket", "."] {
            let error = open_own_file(&path(name)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{name}");
        }
        assert!(open_own_file(Path::new("/dev/null")).is_err());
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_not_own() {
        let place = TempDir::new().unwrap();
        assert!(is_own_directory(place.path()));
        symlink(place.path(), place.path().join("link")).unwrap();
        assert!(!is_own_directory(&place.path().join("link")));
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(!is_own_directory(place.path()));
    }
}

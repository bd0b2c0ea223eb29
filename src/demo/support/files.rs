//! Temporary files and pseudo-terminals for demos.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::check::{self, Finding, OrFinding};
use crate::deadline::{Deadlines, until};
use crate::server::{self, Scratch};
use crate::text::excerpt;
use crate::transport::{Client, Link};

/// Opens a pseudo-terminal. Returns a client that types and reads the screen, and the terminal's own descriptor for
/// programs. The terminal echoes every character, and passes a line to the program when it is complete.
pub fn pseudo_terminal(deadlines: Deadlines) -> check::Result<(Client, OwnedFd)> {
    let (user, terminal) = server::open_pseudo_terminal().or_broken("a pseudo-terminal")?;
    let screen = user.try_clone().or_broken("a pseudo-terminal")?;
    let link = Link::pipes(File::from(user), File::from(screen)).or_broken("a pseudo-terminal")?;
    Ok((Client::over_stream(link, deadlines), terminal))
}

/// Duplicates the file descriptor `descriptor`. The duplicate refers to the same open file description: dup(2).
pub fn duplicate(descriptor: &OwnedFd) -> check::Result<OwnedFd> {
    descriptor.try_clone().or_broken("a duplicate of a descriptor")
}

/// Duplicates `descriptor` three times, for a program's descriptors 0, 1 and 2.
pub fn duplicate_for_stdio(descriptor: &OwnedFd) -> check::Result<[Option<OwnedFd>; 3]> {
    Ok([Some(duplicate(descriptor)?), Some(duplicate(descriptor)?), Some(duplicate(descriptor)?)])
}

/// A temporary directory for the files of a demo. Dropping it removes them.
pub struct TempFolder {
    // Keeps the directory.
    _scratch: Scratch,
    path: PathBuf,
}

impl TempFolder {
    /// Creates the temporary directory of a demo.
    pub fn new() -> check::Result<TempFolder> {
        let made = Scratch::new().and_then(|scratch| {
            // The kernel names files without symbolic links.
            let path = fs::canonicalize(scratch.path())?;
            Ok(TempFolder { _scratch: scratch, path })
        });
        made.or_broken("a temporary directory")
    }

    /// Returns the path of the file `name` in the temporary directory of a demo.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Creates the file `name` in the temporary directory of a demo, open for writing.
    pub fn create(&self, name: &str) -> check::Result<File> {
        File::create(self.path(name)).or_broken(format!("the file {name}"))
    }

    /// Opens the file `name` in the temporary directory of a demo for writing.
    pub fn open(&self, name: &str) -> check::Result<File> {
        File::options().write(true).open(self.path(name)).or_broken(format!("the file {name}"))
    }

    /// Opens the file `name` in the temporary directory of a demo for reading and writing.
    pub fn open_read_write(&self, name: &str) -> check::Result<File> {
        let opened = File::options().read(true).write(true).open(self.path(name));
        opened.or_broken(format!("the file {name}"))
    }

    /// Writes `text` to the file `name` in the temporary directory of a demo, in place of its contents.
    pub fn write(&self, name: &str, text: &[u8]) -> check::Result {
        fs::write(self.path(name), text).or_broken(format!("the file {name}"))
    }

    /// Creates the FIFO `name` in the temporary directory of a demo and opens both its ends. fifo(7).
    pub fn fifo(&self, name: &str) -> check::Result<(File, File)> {
        let path = self.path(name);
        let made = mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).map_err(io::Error::from).and_then(|()| {
            // Without O_NONBLOCK open(2) would wait for a writer.
            let mut nonblocking = File::options();
            nonblocking.read(true).custom_flags(OFlag::O_NONBLOCK.bits());
            Ok((nonblocking.open(&path)?, File::options().write(true).open(&path)?))
        });
        made.or_broken(format!("the file {name}"))
    }

    /// Waits until the contents of the file `name` in the temporary directory of a demo are `expected`.
    pub fn wait_for_contents(&self, name: &str, expected: &[u8], deadlines: Deadlines) -> check::Result {
        let mut last = Vec::new();
        let found = until(deadlines.no_progress(), || {
            last = fs::read(self.path(name)).or_broken(format!("the file {name}"))?;
            Ok((last == expected).then_some(()))
        })?;
        found.ok_or_else(|| Finding::fail(format!("{} in {name}", excerpt(expected)), excerpt(&last)))
    }
}

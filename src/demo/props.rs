//! What stands on stage beside the programs: a terminal to type at, and a folder for files.

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

/// Somebody at a terminal, and the terminal as programs hold it. What is typed is echoed, and a program gets it
/// once the line has ended.
pub(super) fn terminal(deadlines: Deadlines) -> check::Result<(Client, OwnedFd)> {
    let (person, programs) = server::open_pseudo_terminal().or_broken("a pseudo-terminal")?;
    let eyes = person.try_clone().or_broken("a pseudo-terminal")?;
    let link = Link::pipes(File::from(person), File::from(eyes)).or_broken("a pseudo-terminal")?;
    Ok((Client::over_stream(link, deadlines), programs))
}

/// A copy of `descriptor` that refers to the same open file description: dup(2).
pub(super) fn copy(descriptor: &OwnedFd) -> check::Result<OwnedFd> {
    descriptor.try_clone().or_broken("a copy of a descriptor")
}

/// A directory for the files of a story, which goes with this value.
pub(super) struct Folder {
    // Only held.
    _scratch: Scratch,
    path: PathBuf,
}

impl Folder {
    pub fn new() -> check::Result<Folder> {
        let made = Scratch::new().and_then(|scratch| {
            // As the kernel names it, without symbolic links on the way.
            let path = fs::canonicalize(scratch.path())?;
            Ok(Folder { _scratch: scratch, path })
        });
        made.or_broken("a temporary directory")
    }

    /// The path of its file `name`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The new file `name`, open for writing.
    pub fn create(&self, name: &str) -> check::Result<File> {
        File::create(self.path(name)).or_broken(format!("the file {name}"))
    }

    /// The file `name`, opened once more, for writing.
    pub fn open(&self, name: &str) -> check::Result<File> {
        File::options().write(true).open(self.path(name)).or_broken(format!("the file {name}"))
    }

    /// The file `name`, opened once more, for reading and writing.
    pub fn open_both_ways(&self, name: &str) -> check::Result<File> {
        let opened = File::options().read(true).write(true).open(self.path(name));
        opened.or_broken(format!("the file {name}"))
    }

    /// Makes the file `name` hold `text`.
    pub fn write(&self, name: &str, text: &[u8]) -> check::Result {
        fs::write(self.path(name), text).or_broken(format!("the file {name}"))
    }

    /// The new FIFO `name`, opened at both ends. fifo(7).
    pub fn fifo(&self, name: &str) -> check::Result<(File, File)> {
        let path = self.path(name);
        let made = mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).map_err(io::Error::from).and_then(|()| {
            // Else this would wait for a writer, and the writer for a reader.
            let mut unwaiting = File::options();
            unwaiting.read(true).custom_flags(OFlag::O_NONBLOCK.bits());
            Ok((unwaiting.open(&path)?, File::options().write(true).open(&path)?))
        });
        made.or_broken(format!("the file {name}"))
    }

    /// Waits until the file `name` holds just `expected`.
    pub fn expect(&self, name: &str, expected: &[u8], deadlines: Deadlines) -> check::Result {
        let mut last = Vec::new();
        let found = until(deadlines.no_progress(), || {
            last = fs::read(self.path(name)).or_broken(format!("the file {name}"))?;
            Ok((last == expected).then_some(()))
        })?;
        found.ok_or_else(|| Finding::fail(format!("{} in {name}", excerpt(expected)), excerpt(&last)))
    }
}

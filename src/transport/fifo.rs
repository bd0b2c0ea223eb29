//! Two named pipes: clients write into `PATH.in` and read from `PATH.out`. fifo(7).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use nix::libc::O_NONBLOCK;

use super::{
    Address, ByteChannel, Capabilities, Channel, Dial, Link, Opening, Reserved, Room, Shows, Transport,
};

pub(super) const TRANSPORT: Transport = Transport {
    name: "fifo",
    says: "two named pipes, one client after another",
    offers: Capabilities::STREAM
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::BINDS),
    placeholders: &["{addr}", "{path}"],
    reserve,
    dial,
    open,
    inherited: None,
    shows: Shows::Fifos,
};

fn reserve(scratch: &Path) -> io::Result<Reserved> {
    Ok(Reserved { address: Address::Path(scratch.join("fifo")), _hold: None })
}

/// The named pipes of a server at `path`: what clients write into, and what they read from.
#[must_use]
pub(crate) fn ends(path: &Path) -> (PathBuf, PathBuf) {
    let with = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    (with(".in"), with(".out"))
}

/// Each open blocks until the server opens the other end (fifo(7)), so a thread does it. Where the server
/// never comes, the missing end is opened here for a moment, which lets the thread go.
fn dial(dial: &Dial<'_>) -> io::Result<Link> {
    let (input, output) = ends(dial.address.expect_path()?);
    let (done, opened) = mpsc::channel();
    let (to, from) = (input.clone(), output.clone());
    let opener = thread::spawn(move || {
        let to = OpenOptions::new().write(true).open(to);
        let from = to.and_then(|to| Ok((to, File::open(from)?)));
        let _ = done.send(from);
    });
    let Ok(pair) = opened.recv_timeout(dial.limit) else {
        release(&input, &output, &opener);
        return Err(io::ErrorKind::TimedOut.into());
    };
    let (to, from) = pair?;
    Link::pipes(to, from)
}

/// Gives up where the pipes themselves have gone: then nobody can let the opener go, and it ends with us.
fn release(input: &Path, output: &Path, opener: &thread::JoinHandle<()>) {
    let gone =
        |end: &io::Result<File>| end.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    while !opener.is_finished() {
        let read = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(input);
        let write = OpenOptions::new().write(true).custom_flags(O_NONBLOCK).open(output);
        if gone(&read) && gone(&write) {
            return;
        }
        thread::yield_now();
    }
}

/// Either open waits for the server's own.
fn open(opening: Opening<'_>) -> io::Result<Box<dyn Channel>> {
    let (input, output) = ends(opening.address.expect_path()?);
    let to = OpenOptions::new().write(true).open(input)?;
    let from = File::open(output)?;
    opening.tuning.size_pipe(&to)?;
    opening.tuning.size_pipe(&from)?;
    let room = Room::of_pipe(&to)?;
    ByteChannel::between(from.into(), to.into(), opening.waiting, room)
}

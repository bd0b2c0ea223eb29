//! Two named pipes: clients write to `PATH.in` and read from `PATH.out`. fifo(7).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use nix::libc::O_NONBLOCK;

use super::{
    Address, ByteChannel, Capabilities, Capacity, Channel, ChannelRequest, ConnectRequest, ConnectionEnds,
    Link, Readiness, ReservedAddress, Transport,
};

pub(super) const TRANSPORT: Transport = Transport {
    name: "fifo",
    summary: "two named pipes, one client after another",
    capabilities: Capabilities::STREAM
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::BINDS)
        .union(Capabilities::FILE),
    placeholders: &["{addr}", "{path}"],
    reserve,
    connect,
    open_channel,
    inherited: None,
    readiness: Readiness::NamedPipes,
};

fn reserve(scratch: &Path) -> io::Result<ReservedAddress> {
    Ok(ReservedAddress::unguarded(Address::Path(scratch.join("fifo"))))
}

/// Returns the paths of a server's two named pipes: first the pipe that clients write to, then the pipe that they read
/// from.
#[must_use]
pub(crate) fn fifo_paths(address: &Path) -> (PathBuf, PathBuf) {
    let with = |suffix: &str| {
        let mut name = address.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    (with(".in"), with(".out"))
}

/// Connects a client by opening both named pipes of the server. Each open(2) blocks until the server opens the other
/// end (fifo(7)), so a thread makes the calls. If the server never opens it, [`unblock`] ends the thread.
fn connect(request: &ConnectRequest<'_>) -> io::Result<Link> {
    let (input, output) = fifo_paths(request.address.expect_path()?);
    let (done, opened) = mpsc::channel();
    let (to, from) = (input.clone(), output.clone());
    let opener = thread::spawn(move || {
        let to = OpenOptions::new().write(true).open(to);
        let both = to.and_then(|to| Ok((to, File::open(from)?)));
        let _ = done.send(both);
    });
    let Ok(both) = opened.recv_timeout(request.timeout) else {
        unblock(&input, &output, &opener);
        return Err(io::ErrorKind::TimedOut.into());
    };
    let (to, from) = both?;
    Link::pipes(to, from)
}

/// Opens the ends of the named pipes that the server does not open, so that the thread `opener` returns from open(2).
/// If the pipes no longer exist, that is impossible, and the thread stays until this process exits.
fn unblock(input: &Path, output: &Path, opener: &thread::JoinHandle<()>) {
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

/// Opens both named pipes of a server for measurements. Each open(2) blocks until the server opens the other end.
fn open_channel(request: ChannelRequest<'_>) -> io::Result<Box<dyn Channel>> {
    let (input, output) = fifo_paths(request.address.expect_path()?);
    let to = OpenOptions::new().write(true).open(input)?;
    let from = File::open(output)?;
    request.tuning.apply_to_pipe(&to)?;
    request.tuning.apply_to_pipe(&from)?;
    let capacity = Capacity::of_pipe(&to)?;
    let ends = ConnectionEnds { read: from.into(), write: to.into() };
    ByteChannel::over_ends(ends, request.wait_mode, capacity)
}

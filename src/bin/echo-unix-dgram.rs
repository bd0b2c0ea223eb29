//! Echo over Unix domain datagrams: each goes back to the name its sender is bound to.
//!
//! Datagrams between processes of one machine (`unix(7)`) keep their boundaries and, unlike UDP's,
//! are neither lost nor reordered: who sends faster than the other reads is made to wait. For an
//! echo server that is a trap. Linux queues some ten datagrams for a receiver; a server that waits
//! for room where a client does not read keeps everybody waiting, and one that does not wait loses
//! echoes. This server waits, but for a second at most (`SO_SNDTIMEO`), and then drops that one
//! echo: a client that reads in time loses nothing, and one that never reads cannot hold up the
//! others for ever. (The BSDs never wait: where a queue is full, they give ENOBUFS, a drop too.)
//!
//! ```text
//! echospec check unix-dgram -- echo-unix-dgram {path}
//! ```

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, thread, time::Duration};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::stat::{Mode, umask};

/// In bytes. Linux by default sends up to some 200 KiB at once, whatever is asked for.
const LARGEST_DATAGRAM: usize = 192 * 1024;

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let (Some(address), None) = (args.next().filter(|it| !it.is_empty()), args.next()) else {
        return complain(2, "usage: echo-unix-dgram PATH, or @NAME for an abstract name (Linux)");
    };
    match serve_until_terminated(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::Unsupported => complain(77, format!("unsupported: {error}")),
        Err(error) => {
            let hint = "give a short path that neither a file nor a running server holds";
            complain(1, format!("echo-unix-dgram: cannot bind {}: {error}; {hint}", address.display()))
        }
    }
}

fn serve_until_terminated(address: &OsStr) -> io::Result<()> {
    // Blocked here and in every thread to come, the signals wait for sigwait(3) below.
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    let socket = bind(address)?;
    socket.set_write_timeout(Some(Duration::from_secs(1)))?;
    let inode = |name: &Path| fs::symlink_metadata(name).ok().map(|found| (found.dev(), found.ino()));
    let ours = socket.local_addr()?.as_pathname().and_then(inode);
    let ready = format!("ready unix-dgram {}\n", address.display());
    thread::Builder::new().spawn(move || {
        // Whoever started us may have closed its end; that is no reason to stop serving.
        let _ = io::stdout().write_all(ready.as_bytes());
        serve(&socket)
    })?;
    termination.wait()?;
    // The name goes too, unless another has put one of its own in its place.
    if ours.is_some() && ours == inode(address.as_ref()) { fs::remove_file(address) } else { Ok(()) }
}

fn serve(socket: &UnixDatagram) -> ! {
    // Wishes, which the kernel may grant in part. The BSDs send and queue only small datagrams
    // unless asked for more. On Linux an echo takes up room in our send buffer, which all clients
    // share, until it is read: with more room, one that does not read leaves enough for the rest.
    let _ = setsockopt(socket, sockopt::SndBuf, &(8 * LARGEST_DATAGRAM));
    let _ = setsockopt(socket, sockopt::RcvBuf, &(8 * LARGEST_DATAGRAM));
    let mut datagram = vec![0; LARGEST_DATAGRAM + 1];
    loop {
        // Better no echo than a part of one.
        if let Ok((length, client)) = socket.recv_from(&mut datagram)
            && length <= LARGEST_DATAGRAM
        {
            // An error concerns this client alone: it has no name, has gone, or reads nothing.
            let _ = socket.send_to_addr(&datagram[..length], &client);
        }
    }
}

fn bind(address: &OsStr) -> io::Result<UnixDatagram> {
    let name = match address.as_bytes().strip_prefix(b"@") {
        // An abstract name lies in no directory and goes with its socket. It has no permissions.
        #[cfg(target_os = "linux")]
        Some(name) => SocketAddr::from_abstract_name(name)?,
        #[cfg(not(target_os = "linux"))]
        Some(_) => return Err(io::Error::new(ErrorKind::Unsupported, "only Linux has abstract names")),
        None => SocketAddr::from_pathname(address)?,
    };
    if name.as_pathname().is_some_and(is_stale) {
        fs::remove_file(address)?;
    }
    // With this mask the socket is its owner's alone from the moment it exists.
    umask(Mode::S_IXUSR | Mode::S_IRWXG | Mode::S_IRWXO);
    UnixDatagram::bind_addr(&name)
}

fn is_stale(name: &Path) -> bool {
    // An ordinary file, too, refuses to be connected to.
    let is_socket = fs::symlink_metadata(name).is_ok_and(|found| found.file_type().is_socket());
    let outcome = UnixDatagram::unbound().and_then(|probe| probe.connect(name));
    is_socket && outcome.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

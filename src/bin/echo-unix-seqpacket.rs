//! Echo over Unix domain sequenced packets, one thread per client.
//!
//! `SOCK_SEQPACKET` (`unix(7)`) is the third kind of Unix domain socket: it connects and accepts as
//! a stream does, yet keeps the boundaries of messages as datagrams do. One `send(2)` makes one
//! message, and one `recv(2)` takes one, so the buffer must hold the largest: what doesn't fit is
//! thrown away. `recv(2)` returns 0 for an empty message as well as for the end. But the end
//! remains, so this server looks a second time, without waiting: where it sees a 0 once more, that
//! was the end. (Two empty messages in one burst look just so, and are taken for it.)
//!
//! ```text
//! echospec check unix-seqpacket -- echo-unix-seqpacket {path}
//! ```

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, thread, time::Duration};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{self, AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, recv, sockopt};
use nix::sys::stat::{Mode, umask};

/// In bytes. Linux by default sends up to some 200 KiB at once, whatever is asked for.
const LARGEST_MESSAGE: usize = 192 * 1024;

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let (Some(address), None) = (args.next().filter(|it| !it.is_empty()), args.next()) else {
        return complain(2, "usage: echo-unix-seqpacket PATH, or @NAME for an abstract name (Linux)");
    };
    match serve_until_terminated(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::Unsupported => complain(77, format!("unsupported: {error}")),
        Err(error) => {
            let hint = "give a short path that neither a file nor a running server holds";
            complain(1, format!("echo-unix-seqpacket: cannot bind {}: {error}; {hint}", address.display()))
        }
    }
}

fn serve_until_terminated(address: &OsStr) -> io::Result<()> {
    // Blocked here and in every thread to come, the signals wait for sigwait(3) below.
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    let listener = listen(address)?;
    let inode = |name: &Path| fs::symlink_metadata(name).ok().map(|found| (found.dev(), found.ino()));
    let ours = listener.local_addr()?.as_pathname().and_then(inode);
    let ready = format!("ready unix-seqpacket {}\n", address.display());
    thread::Builder::new().spawn(move || {
        // Whoever started us may have closed its end; that is no reason to stop serving.
        let _ = io::stdout().write_all(ready.as_bytes());
        serve(&listener)
    })?;
    termination.wait()?;
    // The name goes too, unless another has put one of its own in its place.
    if ours.is_some() && ours == inode(address.as_ref()) { fs::remove_file(address) } else { Ok(()) }
}

fn serve(listener: &UnixListener) -> ! {
    loop {
        match listener.accept() {
            Ok((connection, _)) => {
                let acceptor = thread::current();
                // Where the system refuses a thread, the closure is dropped and the connection with
                // it: that client is turned away, the others stay.
                let _ = thread::Builder::new().spawn(move || {
                    let _ = echo(&connection);
                    drop(connection);
                    acceptor.unpark();
                });
            }
            // This one client went away before its turn: accept(2) says to take the next.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            // EMFILE or the like, and it would be the same at once. A client of ours that leaves
            // unparks us; the time limit is for ENFILE, when other processes hold the descriptors.
            Err(_) => thread::park_timeout(Duration::from_secs(1)),
        }
    }
}

/// Sends each message back as one message, until the end or an error (a reset, say).
fn echo(connection: &UnixStream) -> nix::Result<()> {
    // A wish, which the kernel may grant in part: the BSDs send only small messages unless asked.
    let _ = socket::setsockopt(connection, sockopt::SndBuf, &(2 * LARGEST_MESSAGE));
    let fd = connection.as_raw_fd();
    let mut message = vec![0; LARGEST_MESSAGE + 1];
    loop {
        let length = recv(fd, &mut message, MsgFlags::empty())?;
        let is_end = length == 0 && recv(fd, &mut [0], MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT) == Ok(0);
        // Better no echo than a part of one.
        if is_end || length > LARGEST_MESSAGE {
            return Ok(());
        }
        socket::send(fd, &message[..length], MsgFlags::empty())?;
    }
}

/// std has no type for these sockets, but its listener accepts from any Unix domain socket.
fn listen(address: &OsStr) -> io::Result<UnixListener> {
    let made = socket::socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::empty(), None);
    let socket = made.map_err(|errno| match errno {
        // macOS knows the constant, but not the thing.
        Errno::EPROTONOSUPPORT => io::Error::new(ErrorKind::Unsupported, errno.desc()),
        _ => errno.into(),
    })?;
    let name = match address.as_bytes().strip_prefix(b"@") {
        // An abstract name lies in no directory and goes with its socket. It has no permissions.
        #[cfg(target_os = "linux")]
        Some(name) => UnixAddr::new_abstract(name)?,
        #[cfg(not(target_os = "linux"))]
        Some(_) => return Err(io::Error::new(ErrorKind::Unsupported, "only Linux has abstract names")),
        None => UnixAddr::new(address)?,
    };
    if name.path().is_some_and(is_stale) {
        fs::remove_file(address)?;
    }
    // With this mask the socket is its owner's alone from the moment it exists.
    umask(Mode::S_IXUSR | Mode::S_IRWXG | Mode::S_IRWXO);
    socket::bind(socket.as_raw_fd(), &name)?;
    socket::listen(&socket, Backlog::MAXCONN)?;
    Ok(UnixListener::from(socket))
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

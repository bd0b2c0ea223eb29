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
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, Flock, FlockArg, fcntl};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, bind, listen, recv, send, setsockopt,
    socket, sockopt,
};
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
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            complain(77, format!("unsupported on this system: {}: {error}", address.display()))
        }
        Err(error) => {
            complain(1, format!("echo-unix-seqpacket: cannot listen on {}: {error}", address.display()))
        }
    }
}

fn serve_until_terminated(address: &OsStr) -> io::Result<()> {
    let turn = take_turn(address.as_ref());
    // Blocked before there is a name to remove, and in every thread to come, the signals wait for
    // sigwait(3) below
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    let (listener, name) = listen_on(address)?;
    drop(turn);

    let address = address.to_owned();
    thread::Builder::new().spawn(move || {
        // Whoever started us may have closed its end; that is no reason to stop serving
        let _ = writeln!(io::stdout(), "ready unix-seqpacket {}", address.display());
        serve(&listener)
    })?;
    termination.wait()?;
    // Remove the name, but not one that another has put in its place
    if let Some((path, ours)) = name
        && inode(&path).is_ok_and(|now| now == ours)
    {
        fs::remove_file(path)?;
    }
    Ok(())
}

fn serve(listener: &UnixListener) -> ! {
    // Holds one message at most, which says: since you last looked, a client has left
    let (leaving, departures) = mpsc::sync_channel(1);
    loop {
        match listener.accept() {
            Ok((connection, _)) => {
                let leaving = leaving.clone();
                // Where the system refuses a thread, the closure is dropped and the connection with
                // it: that client is turned away, the others stay
                let _ = thread::Builder::new().spawn(move || {
                    echo(&connection);
                    drop(connection);
                    let _ = leaving.try_send(());
                });
            }
            // This one client went away before its turn: accept(2) says to take the next
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            // EMFILE or the like. The waiting client stays in the backlog, so accepting again at
            // once would fail at once, for ever; a departure frees a descriptor of ours, and the
            // time limit is for ENFILE, when other processes hold them all
            Err(_) => drop(departures.recv_timeout(Duration::from_secs(1))),
        }
    }
}

/// Sends each message back as one message, until the end or an error (a reset, say).
fn echo(connection: &UnixStream) {
    // A wish, which the kernel may grant in part: the BSDs send only small messages unless asked
    let _ = setsockopt(connection, sockopt::SndBuf, &(2 * LARGEST_MESSAGE));
    let fd = connection.as_raw_fd();
    let mut message = vec![0; LARGEST_MESSAGE + 1];
    loop {
        match recv(fd, &mut message, MsgFlags::empty()) {
            Ok(0) if is_at_end(fd) => return,
            // Better no echo than a part of one
            Ok(length) if length > LARGEST_MESSAGE => return,
            Ok(length) if send(fd, &message[..length], MsgFlags::empty()).is_ok() => {}
            _ => return,
        }
    }
}

fn is_at_end(fd: RawFd) -> bool {
    recv(fd, &mut [0], MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT) == Ok(0)
}

/// A name in the file system, and the inode that it is of.
type Name = (PathBuf, (u64, u64));

fn listen_on(address: &OsStr) -> io::Result<(UnixListener, Option<Name>)> {
    let socket = seqpacket_socket()?;
    let name = bind_to(&socket, address)?;
    listen(&socket, Backlog::MAXCONN)?;
    Ok((UnixListener::from(socket), name))
}

fn bind_to(socket: &OwnedFd, address: &OsStr) -> io::Result<Option<Name>> {
    if let Some(name) = address.as_bytes().strip_prefix(b"@") {
        // An abstract name lies in no directory and goes with its socket. It has no permissions
        bind(socket.as_raw_fd(), &abstract_address(name)?)?;
        return Ok(None);
    }
    let path = PathBuf::from(address);
    let address = UnixAddr::new(&path)?;
    remove_if_stale(&path)?;
    // With this mask the socket is its owner's alone from the moment it exists
    let former = umask(Mode::S_IXUSR | Mode::S_IRWXG | Mode::S_IRWXO);
    let bound = bind(socket.as_raw_fd(), &address);
    umask(former);
    bound?;
    let inode = inode(&path)?;
    Ok(Some((path, inode)))
}

/// std has no type for these sockets, but its listener accepts from any Unix domain socket.
fn seqpacket_socket() -> io::Result<OwnedFd> {
    match socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::empty(), None) {
        Ok(socket) => {
            // Not with SOCK_CLOEXEC, which not every system has; no other thread can exec meanwhile
            fcntl(&socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
            Ok(socket)
        }
        // macOS knows the constant, but not the thing
        Err(errno @ (Errno::EPROTONOSUPPORT | Errno::EPROTOTYPE | Errno::ESOCKTNOSUPPORT)) => {
            Err(io::Error::new(io::ErrorKind::Unsupported, errno.desc()))
        }
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<UnixAddr> {
    Ok(UnixAddr::new_abstract(name)?)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &[u8]) -> io::Result<UnixAddr> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux has abstract names"))
}

/// Lets servers that start in one directory do it one after another: of two that both find the
/// same stale name, the slower could otherwise remove the name that the faster has just bound. The
/// lock is on the directory, so it leaves nothing behind; a directory that cannot be locked is used
/// without.
fn take_turn(path: &Path) -> Option<Flock<File>> {
    let directory = path.parent().filter(|it| *it != "").unwrap_or(Path::new("."));
    Flock::lock(File::open(directory).ok()?, FlockArg::LockExclusive).ok()
}

fn remove_if_stale(path: &Path) -> io::Result<()> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !found.file_type().is_socket() {
        let problem = "what lies there is not a socket; it is left alone, choose another path";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, problem));
    }
    // A datagram socket's connect never waits, and is refused only where no socket is bound: a live
    // one takes it or, if it is of another type, gives EPROTOTYPE
    match UnixDatagram::unbound()?.connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
        _ => {
            let problem = "a running server holds it; end that one, or choose another path";
            Err(io::Error::new(io::ErrorKind::AddrInUse, problem))
        }
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

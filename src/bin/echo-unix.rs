//! Echo over a Unix domain stream socket, one thread per client.
//!
//! A Unix domain socket (`unix(7)`) connects processes of one machine, and its address is a *name*
//! in the file system. Permissions on that name decide who may connect, and the name stays behind
//! when its server is killed. The next server has to tell such a *stale* name from a live one, for
//! `bind(2)` refuses both: it asks with a datagram socket, whose connect reaches whatever socket
//! is bound there and never waits for it. `ECONNREFUSED` then means that there is none, while a
//! live stream server gives `EPROTOTYPE`, wrong type of socket. (A stream connect could not tell:
//! on the BSDs a server with a full backlog refuses it too.)
//!
//! ```text
//! echospec check unix -- echo-unix {path}
//! ```

use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::{Mode, umask};

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let (Some(address), None) = (args.next().filter(|it| !it.is_empty()), args.next()) else {
        return complain(2, "usage: echo-unix PATH, or @NAME for an abstract name (Linux)");
    };
    match serve_until_terminated(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            complain(77, format!("unsupported on this system: {}: {error}", address.display()))
        }
        Err(error) => complain(1, format!("echo-unix: cannot listen on {}: {error}", address.display())),
    }
}

fn serve_until_terminated(address: &OsStr) -> io::Result<()> {
    let turn = take_turn(address.as_ref());
    // Blocked before there is a name to remove, and in every thread to come, the signals wait for
    // sigwait(3) below
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    let (listener, name) = listen(address)?;
    drop(turn);

    let address = address.to_owned();
    thread::Builder::new().spawn(move || {
        // Whoever started us may have closed its end; that is no reason to stop serving
        let _ = writeln!(io::stdout(), "ready unix {}", address.display());
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
                    let _ = io::copy(&mut &connection, &mut &connection);
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

/// A name in the file system, and the inode that it is of.
type Name = (PathBuf, (u64, u64));

fn listen(address: &OsStr) -> io::Result<(UnixListener, Option<Name>)> {
    if let Some(name) = address.as_bytes().strip_prefix(b"@") {
        // An abstract name lies in no directory and goes with its socket. It has no permissions
        return Ok((UnixListener::bind_addr(&abstract_address(name)?)?, None));
    }
    let path = PathBuf::from(address);
    let too_long = |_| io::Error::other("the path is too long for a socket, choose a shorter one");
    let address = SocketAddr::from_pathname(&path).map_err(too_long)?;
    remove_if_stale(&path)?;
    // With this mask the socket is its owner's alone from the moment it exists
    let former = umask(Mode::S_IXUSR | Mode::S_IRWXG | Mode::S_IRWXO);
    let listener = UnixListener::bind_addr(&address);
    umask(former);
    let inode = inode(&path);
    Ok((listener?, Some((path, inode?))))
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &[u8]) -> io::Result<SocketAddr> {
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

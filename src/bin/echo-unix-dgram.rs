//! Echo over Unix domain datagrams: each goes back to the name its sender is bound to.
//!
//! Datagrams between processes of one machine (`unix(7)`) keep their boundaries and, unlike UDP's,
//! are neither lost nor reordered: who sends faster than the other reads is made to wait. For an
//! echo server that is a trap. Linux queues some ten datagrams for a receiver, so a client that
//! sends sixty before it reads one has a queue full of echoes. A server that then *waits* for room
//! reads no more, so this client waits too, for ever, and everybody else with it; one that does not
//! wait loses the echo. This server sends at once where there is room, and hands what finds none to
//! a thread that waits for that one client.
//!
//! ```text
//! echospec check unix-dgram -- echo-unix-dgram {path}
//! ```

use std::collections::{HashMap, VecDeque};
use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{env, thread};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{MsgFlags, UnixAddr, recvfrom, sendto, setsockopt, sockopt};
use nix::sys::stat::{Mode, umask};

/// In bytes. Linux by default sends up to some 200 KiB at once, whatever is asked for.
const LARGEST_DATAGRAM: usize = 192 * 1024;

/// In bytes, either way.
const BUFFER: usize = 1024 * 1024;

/// How many echoes wait for one client, before a client that never reads loses the rest.
const LONGEST_LINE: usize = 256;

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let (Some(address), None) = (args.next().filter(|it| !it.is_empty()), args.next()) else {
        return complain(2, "usage: echo-unix-dgram PATH, or @NAME for an abstract name (Linux)");
    };
    match serve_until_terminated(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            complain(77, format!("unsupported on this system: {}: {error}", address.display()))
        }
        Err(error) => complain(1, format!("echo-unix-dgram: cannot bind {}: {error}", address.display())),
    }
}

fn serve_until_terminated(address: &OsStr) -> io::Result<()> {
    let turn = take_turn(address.as_ref());
    // Blocked before there is a name to remove, and in every thread to come, the signals wait for
    // sigwait(3) below
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    let (socket, name) = bind(address)?;
    drop(turn);

    let address = address.to_owned();
    thread::Builder::new().spawn(move || {
        // Whoever started us may have closed its end; that is no reason to stop serving
        let _ = writeln!(io::stdout(), "ready unix-dgram {}", address.display());
        serve(&socket)
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

/// The echoes that wait for room in their client's queue, oldest first.
type Owed = Mutex<HashMap<UnixAddr, VecDeque<Vec<u8>>>>;

fn serve(socket: &UnixDatagram) -> ! {
    // Wishes, which the kernel may grant in part. The BSDs send and queue only small datagrams unless
    // asked for more. On Linux an echo takes up our send buffer until it is read, and all clients
    // share that: with much room in it, those that read need not wait for those that don't
    let _ = setsockopt(socket, sockopt::SndBuf, &BUFFER);
    let _ = setsockopt(socket, sockopt::RcvBuf, &BUFFER);
    let owed = &Owed::default();
    let mut datagram = vec![0; LARGEST_DATAGRAM + 1];
    thread::scope(|scope| {
        loop {
            // A sender without a name cannot be answered
            let Ok((length, Some(client))) = recvfrom(socket.as_raw_fd(), &mut datagram) else { continue };
            // Better no echo than a part of one
            if length > LARGEST_DATAGRAM || echo_now_or_in_turn(socket, &datagram[..length], client, owed) {
                continue;
            }
            let waiting = thread::Builder::new().spawn_scoped(scope, move || send_owed(socket, client, owed));
            if waiting.is_err() {
                // The system refuses a thread, and this client's echo is lost
                lock(owed).remove(&client);
            }
        }
    })
}

/// Sends the echo if it finds room, or puts it in line behind those that found none. Returns false
/// if it is now the first in line, and a thread must begin to wait for its client.
fn echo_now_or_in_turn(socket: &UnixDatagram, echo: &[u8], client: UnixAddr, owed: &Owed) -> bool {
    let mut owed = lock(owed);
    if let Some(line) = owed.get_mut(&client) {
        if line.len() < LONGEST_LINE {
            line.push_back(echo.to_vec());
        }
        return true;
    }
    match sendto(socket.as_raw_fd(), echo, &client, MsgFlags::MSG_DONTWAIT) {
        Err(Errno::EAGAIN | Errno::ENOBUFS) => {
            owed.insert(client, VecDeque::from([echo.to_vec()]));
            false
        }
        // Sent, or the client is gone: an error concerns only the one it happened to
        _ => true,
    }
}

/// Sends what is owed to one client, however long that client lets it wait.
fn send_owed(socket: &UnixDatagram, client: UnixAddr, owed: &Owed) {
    while let Some(echo) = next_owed(client, owed) {
        // Linux waits in here. The BSDs give ENOBUFS at once, and have no event that tells of room
        while sendto(socket.as_raw_fd(), &echo, &client, MsgFlags::empty()) == Err(Errno::ENOBUFS) {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn next_owed(client: UnixAddr, owed: &Owed) -> Option<Vec<u8>> {
    let mut owed = lock(owed);
    let next = owed.get_mut(&client)?.pop_front();
    if next.is_none() {
        owed.remove(&client);
    }
    next
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name in the file system, and the inode that it is of.
type Name = (PathBuf, (u64, u64));

fn bind(address: &OsStr) -> io::Result<(UnixDatagram, Option<Name>)> {
    if let Some(name) = address.as_bytes().strip_prefix(b"@") {
        // An abstract name lies in no directory and goes with its socket. It has no permissions
        return Ok((UnixDatagram::bind_addr(&abstract_address(name)?)?, None));
    }
    let path = PathBuf::from(address);
    let too_long = |_| io::Error::other("the path is too long for a socket, choose a shorter one");
    let address = SocketAddr::from_pathname(&path).map_err(too_long)?;
    remove_if_stale(&path)?;
    // With this mask the socket is its owner's alone from the moment it exists
    let former = umask(Mode::S_IXUSR | Mode::S_IRWXG | Mode::S_IRWXO);
    let socket = UnixDatagram::bind_addr(&address);
    umask(former);
    let inode = inode(&path);
    Ok((socket?, Some((path, inode?))))
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

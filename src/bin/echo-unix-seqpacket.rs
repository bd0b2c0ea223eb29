//! Echo over Unix domain sequenced packets, one thread per client.
//!
//! `SOCK_SEQPACKET` (`unix(7)`) connects and accepts like a stream, and keeps the boundaries of
//! messages like datagrams: each `recv(2)` returns one message of one `send(2)`. The buffer must
//! hold the largest message, because the kernel discards what does not fit. `recv(2)` returns 0
//! for an empty message and at the end. But the end stays, so this server looks once more, without
//! waiting: a second 0 is the end. (It takes two empty messages in a row for the end, too.)
//!
//! ```text
//! echospec check unix-seqpacket -- echo-unix-seqpacket {path}
//! ```

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::{ffi::OsStrExt, fs::FileTypeExt, fs::MetadataExt};
use std::path::Path;
use std::{env, fs, process, thread, time::Duration};

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{self, AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, recv, sockopt};
use nix::sys::stat::{Mode, umask};

/// The size of the largest message, in bytes. By default, Linux sends up to some 200 KiB at once.
const LARGEST_MESSAGE: usize = 192 * 1024;

fn main() -> anyhow::Result<()> {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    let [path] = &args[..] else {
        eprintln!("usage: echo-unix-seqpacket PATH, or @NAME for an abstract name (Linux)");
        process::exit(2);
    };
    // This thread and all that it starts block the signals, so that sigwait(3) below receives them.
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    let listener = listen(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    let ours = file_id(path);
    // println! would panic if standard output is closed.
    let _ = writeln!(io::stdout(), "ready unix-seqpacket {}", path.display());
    thread::Builder::new().spawn(move || serve(&listener))?;
    termination.wait()?;
    // An abstract name disappears with its socket. A successor may have put its own socket at the path.
    if !path.as_bytes().starts_with(b"@") && file_id(path) == ours {
        let _ = fs::remove_file(path);
    }
    Ok(())
}

/// Returns the device and inode of the file at `path`, if there is one.
fn file_id(path: &OsStr) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

fn serve(listener: &UnixListener) -> ! {
    loop {
        let Ok((connection, _)) = listener.accept() else {
            // Without a free descriptor (EMFILE) accept(2) fails again at once: wait for a client to leave.
            thread::park_timeout(Duration::from_millis(100));
            continue;
        };
        let acceptor = thread::current();
        // If the system refuses a thread, spawn drops the closure, and with it the connection.
        let _ = thread::Builder::new().spawn(move || {
            let _ = echo(&connection);
            drop(connection);
            acceptor.unpark();
        });
    }
}

/// Sends each message of a client back as one message, until the end. An error ends this connection only.
fn echo(connection: &UnixStream) -> nix::Result<()> {
    // The kernel may grant less. The BSDs by default send small messages only.
    let _ = socket::setsockopt(connection, sockopt::SndBuf, &(2 * LARGEST_MESSAGE));
    let fd = connection.as_raw_fd();
    let mut message = vec![0; LARGEST_MESSAGE + 1];
    loop {
        let length = recv(fd, &mut message, MsgFlags::empty())?;
        let is_end = length == 0 && recv(fd, &mut [0], MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT) == Ok(0);
        // A message that fills the buffer may have been cut off: no echo of it is correct.
        if is_end || length > LARGEST_MESSAGE {
            return Ok(());
        }
        socket::send(fd, &message[..length], MsgFlags::empty())?;
    }
}

/// Listens at `address` with a SOCK_SEQPACKET socket. std has no such socket, but `UnixListener` accepts on it all
/// the same.
fn listen(address: &OsStr) -> io::Result<UnixListener> {
    let socket = match socket::socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::empty(), None) {
        Err(Errno::EPROTONOSUPPORT) => unsupported("this system has no SOCK_SEQPACKET"),
        made => made?,
    };
    let name = match address.as_bytes().strip_prefix(b"@") {
        None => UnixAddr::new(address)?,
        #[cfg(target_os = "linux")]
        Some(name) => UnixAddr::new_abstract(name)?,
        #[cfg(not(target_os = "linux"))]
        Some(_) => unsupported("only Linux has abstract names"),
    };
    if name.path().is_some_and(is_stale) {
        fs::remove_file(address)?;
    }
    // Only the owner may connect.
    umask(Mode::from_bits_truncate(0o177));
    socket::bind(socket.as_raw_fd(), &name)?;
    socket::listen(&socket, Backlog::MAXCONN)?;
    Ok(UnixListener::from(socket))
}

/// Whether `path` is the file of a Unix domain socket that no running server is bound to: see echo-unix.
fn is_stale(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && UnixDatagram::unbound().and_then(|probe| probe.connect(path)).is_err_and(refused)
}

fn unsupported(reason: &str) -> ! {
    eprintln!("unsupported: {reason}");
    process::exit(77)
}

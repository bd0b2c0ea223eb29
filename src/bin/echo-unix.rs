//! Echo over a Unix domain stream socket, one thread per client.
//!
//! A Unix domain socket (`unix(7)`) connects processes of one machine. Its address is a *path*:
//! the permissions of the socket file decide who may connect. The file stays when the server is
//! killed, and `bind(2)` refuses such a *stale* file like any other. So the next server first tries
//! to connect to it. It uses a datagram socket, because a stream socket might wait for room in the
//! backlog of a running server. A datagram socket gets ECONNREFUSED from a stale file only.
//!
//! ```text
//! echospec check unix -- echo-unix {path}
//! ```

use std::ffi::{OsStr, OsString};
use std::io::{self, BufReader, Write};
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::os::unix::{ffi::OsStrExt, fs::FileTypeExt, fs::MetadataExt};
use std::path::Path;
use std::{env, fs, process, thread, time::Duration};

use anyhow::Context;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::{Mode, umask};

fn main() -> anyhow::Result<()> {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    let [path] = &args[..] else {
        eprintln!("usage: echo-unix PATH, or @NAME for an abstract name (Linux)");
        process::exit(2);
    };
    // This thread and all that it starts block the signals, so that sigwait(3) below receives them.
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    let listener = listen(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    let ours = file_id(path);
    // println! would panic if standard output is closed.
    let _ = writeln!(io::stdout(), "ready unix {}", path.display());
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
            let _ = echo(connection);
            acceptor.unpark();
        });
    }
}

/// Sends back every byte of a client until end of file. An error ends this connection only.
fn echo(connection: UnixStream) -> io::Result<u64> {
    // io::copy alone would read 8 KiB at a time.
    io::copy(&mut BufReader::with_capacity(64 * 1024, &connection), &mut &connection)
}

fn listen(address: &OsStr) -> io::Result<UnixListener> {
    let name = match address.as_bytes().strip_prefix(b"@") {
        None => SocketAddr::from_pathname(address)?,
        #[cfg(target_os = "linux")]
        Some(name) => SocketAddr::from_abstract_name(name)?,
        #[cfg(not(target_os = "linux"))]
        Some(_) => {
            eprintln!("unsupported: only Linux has abstract names");
            process::exit(77);
        }
    };
    if name.as_pathname().is_some_and(is_stale) {
        fs::remove_file(address)?;
    }
    // Only the owner may connect.
    umask(Mode::from_bits_truncate(0o177));
    UnixListener::bind_addr(&name)
}

fn is_stale(path: &Path) -> bool {
    // Connecting to a regular file is refused as well.
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && UnixDatagram::unbound().and_then(|probe| probe.connect(path)).is_err_and(refused)
}

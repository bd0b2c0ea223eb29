//! Echo over Unix domain datagrams: each goes back to the name its sender is bound to.
//!
//! Datagrams between processes of one machine (`unix(7)`) keep their boundaries. Unlike UDP's, they
//! are neither lost nor reordered: if the receiver's queue is full, the sender waits. Linux queues
//! some ten datagrams for a receiver. A server that waited for a client that does not read would
//! stop serving all others; a server that did not wait would lose echoes. This server waits for one
//! second (`SO_SNDTIMEO`) and then drops the echo, so a client that reads in time loses nothing.
//! (The BSDs do not wait: if the queue is full, sending fails with ENOBUFS.)
//!
//! ```text
//! echospec check unix-dgram -- echo-unix-dgram {path}
//! ```

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::os::unix::{ffi::OsStrExt, fs::FileTypeExt, fs::MetadataExt};
use std::path::Path;
use std::{env, fs, process, thread, time::Duration};

use anyhow::Context;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::stat::{Mode, umask};

/// The size of the largest datagram, in bytes. By default, Linux sends up to some 200 KiB at once.
const LARGEST_DATAGRAM: usize = 192 * 1024;

fn main() -> anyhow::Result<()> {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    let [path] = &args[..] else {
        eprintln!("usage: echo-unix-dgram PATH, or @NAME for an abstract name (Linux)");
        process::exit(2);
    };
    // This thread and the next block the signals, so that sigwait(3) below receives them.
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    let socket = bind(path).with_context(|| format!("cannot bind {}", path.display()))?;
    let ours = file_id(path);
    // println! would panic if standard output is closed.
    let _ = writeln!(io::stdout(), "ready unix-dgram {}", path.display());
    thread::Builder::new().spawn(move || serve(&socket))?;
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

fn serve(socket: &UnixDatagram) -> ! {
    let mut datagram = vec![0; LARGEST_DATAGRAM + 1];
    loop {
        // A datagram that fills the buffer may have been cut off: it gets no echo.
        if let Ok((length, client)) = socket.recv_from(&mut datagram)
            && length <= LARGEST_DATAGRAM
        {
            // An error concerns this client alone: it has no name, has gone, or does not read.
            let _ = socket.send_to_addr(&datagram[..length], &client);
        }
    }
}

fn bind(address: &OsStr) -> io::Result<UnixDatagram> {
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
    // Only the owner may send.
    umask(Mode::from_bits_truncate(0o177));
    let socket = UnixDatagram::bind_addr(&name)?;
    socket.set_write_timeout(Some(Duration::from_secs(1)))?;
    // The kernel may grant less. The BSDs by default send small datagrams only. On Linux, echoes
    // that clients have not read yet fill the send buffer, which all clients share.
    let _ = setsockopt(&socket, sockopt::SndBuf, &(8 * LARGEST_DATAGRAM));
    let _ = setsockopt(&socket, sockopt::RcvBuf, &(8 * LARGEST_DATAGRAM));
    Ok(socket)
}

/// Whether `path` is the file of a Unix domain socket that no running server is bound to: see echo-unix.
fn is_stale(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && UnixDatagram::unbound().and_then(|probe| probe.connect(path)).is_err_and(refused)
}

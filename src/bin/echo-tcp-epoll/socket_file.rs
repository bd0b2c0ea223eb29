//! The file of a Unix domain socket, or the abstract name in its place.

use std::ffi::OsStr;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::os::unix::{ffi::OsStrExt, fs::FileTypeExt, fs::MetadataExt};
use std::path::Path;
use std::{fs, io};

use nix::sys::stat::{Mode, umask};

/// Clients that may wait for accept(2).
const BACKLOG: i32 = 4096;

/// Returns a listening socket that never waits.
pub fn listen(address: &OsStr) -> io::Result<UnixListener> {
    let name = name(address)?;
    if name.as_pathname().is_some_and(is_stale) {
        fs::remove_file(address)?;
    }
    // Only the owner may connect.
    umask(Mode::from_bits_truncate(0o177));
    let listener = UnixListener::bind_addr(&name)?;
    // A second call changes only the length of the queue.
    rustix::net::listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn name(address: &OsStr) -> io::Result<SocketAddr> {
    match address.as_bytes().strip_prefix(b"@") {
        None => SocketAddr::from_pathname(address),
        #[cfg(target_os = "linux")]
        Some(name) => SocketAddr::from_abstract_name(name),
        #[cfg(not(target_os = "linux"))]
        Some(_) => {
            eprintln!("unsupported: only Linux has abstract names");
            std::process::exit(77);
        }
    }
}

/// Whether `path` is a socket that no server listens on. A datagram socket finds out without waiting: it gets ECONNREFUSED
/// from a stale file, and another error from a stream socket that listens.
fn is_stale(path: &Path) -> bool {
    // Connecting to a regular file is refused as well.
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && UnixDatagram::unbound().and_then(|probe| probe.connect(path)).is_err_and(refused)
}

/// Returns the device and inode of the file at `path`, if there is one.
pub fn id(path: &OsStr) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Removes the file at `path` unless another server has put its own there. An abstract name disappears with its socket.
pub fn remove(path: &OsStr, ours: Option<(u64, u64)>) {
    if !path.as_bytes().starts_with(b"@") && id(path) == ours {
        let _ = fs::remove_file(path);
    }
}

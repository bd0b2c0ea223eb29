//! Unix domain sockets of all three kinds, which leave a name behind unless it is removed.

use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::{fs, thread};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, UnixAddr, sockopt};
use nix::sys::stat::{Mode, umask};

pub fn serve_until_terminated(kind: &str, address: &str) -> io::Result<()> {
    // Blocked here and in the thread to come, the signals wait for sigwait(3) below.
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    let kind = match kind {
        "unix-dgram" => SockType::Datagram,
        "unix-seqpacket" => SockType::SeqPacket,
        _ => SockType::Stream,
    };
    let socket = bind(kind, address)?;
    super::ready(address);
    thread::Builder::new().spawn(move || {
        if kind == SockType::Datagram {
            return super::answer(&socket);
        }
        // It accepts from any Unix domain socket that listens.
        let listener = UnixListener::from(socket);
        super::serve(|| Ok(listener.accept()?.0))
    })?;
    termination.wait()?;
    if address.starts_with('@') { Ok(()) } else { fs::remove_file(address) }
}

/// At a path, or at an abstract name behind an @, which goes with its socket.
fn bind(kind: SockType, address: &str) -> io::Result<OwnedFd> {
    let socket = socket::socket(AddressFamily::Unix, kind, SockFlag::empty(), None);
    let socket = socket.map_err(|errno| match errno {
        Errno::EPROTONOSUPPORT => io::Error::new(ErrorKind::Unsupported, errno.desc()),
        _ => errno.into(),
    })?;
    let name = match address.strip_prefix('@') {
        #[cfg(target_os = "linux")]
        Some(name) => UnixAddr::new_abstract(name.as_bytes())?,
        #[cfg(not(target_os = "linux"))]
        Some(_) => return Err(io::Error::new(ErrorKind::Unsupported, "only Linux has abstract names")),
        None => UnixAddr::new(address)?,
    };
    // With this mask the socket is its owner's alone from the moment it exists.
    umask(Mode::S_IXUSR | Mode::S_IRWXG | Mode::S_IRWXO);
    socket::bind(socket.as_raw_fd(), &name)?;
    if kind == SockType::Datagram {
        // A wish: an echo takes up room in our send buffer until it is read.
        let _ = socket::setsockopt(&socket, sockopt::SndBuf, &(4 * super::BUFFER));
    } else {
        socket::listen(&socket, Backlog::MAXCONN)?;
    }
    Ok(socket)
}

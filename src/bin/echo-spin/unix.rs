//! Unix domain sockets of all three kinds. Their files must be removed at the end.

use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::{fs, process, thread};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, UnixAddr, sockopt};
use nix::sys::stat::{Mode, umask};

pub fn serve_until_terminated(kind: &str, address: &str) -> anyhow::Result<()> {
    // This thread and the next block the signals, so that sigwait(3) below receives them.
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    let kind = match kind {
        "unix-dgram" => SockType::Datagram,
        "unix-seqpacket" => SockType::SeqPacket,
        _ => SockType::Stream,
    };
    let socket = bind(kind, address)?;
    super::announce(address);
    thread::Builder::new().spawn(move || {
        if kind == SockType::Datagram {
            return super::echo_datagrams(&socket);
        }
        // std accepts on any Unix domain socket that listens.
        let listener = UnixListener::from(socket);
        super::echo_to_each(|| Ok(listener.accept()?.0))
    })?;
    termination.wait()?;
    // An abstract name disappears with its socket.
    if !address.starts_with('@') {
        let _ = fs::remove_file(address);
    }
    Ok(())
}

/// Binds a new Unix domain socket to a path, or to the abstract name after an @.
fn bind(kind: SockType, address: &str) -> nix::Result<OwnedFd> {
    let socket = match socket::socket(AddressFamily::Unix, kind, SockFlag::empty(), None) {
        Err(Errno::EPROTONOSUPPORT) => unsupported("this system has no SOCK_SEQPACKET"),
        made => made?,
    };
    let name = match address.strip_prefix('@') {
        None => UnixAddr::new(address)?,
        #[cfg(target_os = "linux")]
        Some(name) => UnixAddr::new_abstract(name.as_bytes())?,
        #[cfg(not(target_os = "linux"))]
        Some(_) => unsupported("only Linux has abstract names"),
    };
    // Only the owner may connect.
    umask(Mode::from_bits_truncate(0o177));
    socket::bind(socket.as_raw_fd(), &name)?;
    if kind == SockType::Datagram {
        // An echo occupies the send buffer until the client reads it. The kernel may grant less.
        let _ = socket::setsockopt(&socket, sockopt::SndBuf, &(4 * super::BUFFER));
    } else {
        socket::listen(&socket, Backlog::MAXCONN)?;
    }
    Ok(socket)
}

fn unsupported(reason: &str) -> ! {
    eprintln!("unsupported: {reason}");
    process::exit(77)
}

//! Echo over TCP on sockets that another process bound: socket activation.
//!
//! A service manager can bind and listen in a server's stead, and start it only when the first
//! client comes. The listening sockets are inherited: they are the descriptors from 3 on, `LISTEN_FDS`
//! says how many, and `LISTEN_PID` names the process they are meant for, so that a child which
//! merely inherits the environment does not take them for its own (`sd_listen_fds(3)`). This server
//! never calls `bind(2)`, so it needs no privilege for port 7, and no client is refused while it is
//! restarted: the backlog belongs to the socket, and the manager keeps that.
//!
//! ```text
//! echospec check tcp --start listen-fds -- echo-tcp-activated
//! ```

use std::fmt::Display;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::process::{self, ExitCode};
use std::{env, thread, time::Duration};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt};

fn main() -> ExitCode {
    if env::args_os().len() > 1 {
        return complain(2, "usage: echo-tcp-activated (it has no arguments: its sockets are passed to it)");
    }
    let listeners = match passed_listeners() {
        Ok(listeners) => listeners,
        Err(problem) => return complain(1, format!("echo-tcp-activated: {problem}")),
    };
    for (_, local) in &listeners {
        // Whoever started us may have closed its end; that is no reason to stop serving.
        let _ = writeln!(io::stdout(), "ready tcp-activated {local}");
    }
    thread::scope(|scope| {
        for (listener, _) in &listeners {
            if let Err(error) = thread::Builder::new().spawn_scoped(scope, || serve(listener)) {
                complain(1, format!("echo-tcp-activated: cannot start a thread: {error}"));
                process::exit(1);
            }
        }
    });
    ExitCode::SUCCESS
}

/// Takes the sockets, in the steps of sd_listen_fds(3). (A server that starts other programs would
/// also remove the variables.)
fn passed_listeners() -> Result<Vec<(TcpListener, SocketAddr)>, String> {
    let count = env::var("LISTEN_FDS").ok().and_then(|it| it.parse().ok()).filter(|it| *it > 0);
    let (Ok(pid), Some(count)) = (env::var("LISTEN_PID"), count) else {
        return Err("no sockets were passed: try `systemd-socket-activate -l 7007 echo-tcp-activated`".into());
    };
    if pid != process::id().to_string() {
        return Err(format!("the sockets are meant for process {pid} (LISTEN_PID), not for this one"));
    }
    (3..).take(count).map(|fd| take(fd).map_err(|error| format!("descriptor {fd}: {error}"))).collect()
}

#[expect(unsafe_code, reason = "the number of an inherited descriptor becomes its owner")]
fn take(fd: RawFd) -> io::Result<(TcpListener, SocketAddr)> {
    // SAFETY: it serves for the next call alone, which fails (EBADF) where no descriptor is open.
    let inherited = unsafe { BorrowedFd::borrow_raw(fd) };
    // It came to us across exec(2); it goes no further.
    fcntl(inherited, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    // SAFETY: it is open, the protocol makes it this process's own, and each is taken only once.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    if !getsockopt(&socket, sockopt::AcceptConn)? {
        return Err(io::Error::other("the socket does not listen"));
    }
    let listener = TcpListener::from(socket);
    let local = listener.local_addr().map_err(|_| io::Error::other("the socket is not one of TCP's"))?;
    Ok((listener, local))
}

fn serve(listener: &TcpListener) -> ! {
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
            // The listener is non-blocking. That flag is shared with the one who passed it, so we
            // leave it alone, and wait.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let _ = poll(&mut [PollFd::new(listener.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE);
            }
            // EMFILE or the like, and it would be the same at once. A client of ours that leaves
            // unparks us; the time limit is for ENFILE, when other processes hold the descriptors.
            Err(_) => thread::park_timeout(Duration::from_secs(1)),
        }
    }
}

/// Sends back what comes, to the end. An error (a reset, say) ends this one connection.
fn echo(mut connection: &TcpStream) -> io::Result<()> {
    // On the BSDs a connection inherits the listener's O_NONBLOCK.
    let _ = connection.set_nonblocking(false);
    // Nagle's algorithm would hold back a small echo until the last is acknowledged.
    let _ = connection.set_nodelay(true);
    // io::copy would fetch 8 KiB at a time, and call the kernel eight times as often.
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match connection.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => connection.write_all(&buffer[..length])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

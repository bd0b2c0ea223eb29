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
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::process::{self, ExitCode};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

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
    for local in listeners.iter().filter_map(|it| it.local_addr().ok()) {
        // Whoever started us may have closed its end; that is no reason to stop serving
        let _ = writeln!(io::stdout(), "ready tcp-activated {local}");
    }
    thread::scope(|scope| {
        for listener in &listeners {
            if let Err(error) = thread::Builder::new().spawn_scoped(scope, || serve(listener)) {
                complain(1, format!("echo-tcp-activated: cannot start a thread: {error}"));
                process::exit(1);
            }
        }
    });
    ExitCode::SUCCESS
}

/// Takes the sockets, in the steps of sd_listen_fds(3).
fn passed_listeners() -> Result<Vec<TcpListener>, String> {
    let (pid, count) = (take_variable("LISTEN_PID"), take_variable("LISTEN_FDS"));
    take_variable("LISTEN_FDNAMES");
    let count = count.and_then(|it| it.parse::<usize>().ok()).filter(|it| *it > 0);
    let (Some(pid), Some(count)) = (pid, count) else {
        return Err("no sockets were passed: start it from systemd, or with `systemd-socket-activate \
                    -l 7007 echo-tcp-activated`"
            .into());
    };
    if pid != process::id().to_string() {
        return Err(format!("the sockets are meant for process {pid} (LISTEN_PID), not for this one"));
    }
    (3..)
        .take(count)
        .map(|fd| passed_listener(fd).map_err(|error| format!("descriptor {fd}: {error}")))
        .collect()
}

fn passed_listener(fd: RawFd) -> io::Result<TcpListener> {
    let socket = take_descriptor(fd)?;
    if !getsockopt(&socket, sockopt::AcceptConn)? {
        return Err(io::Error::other("the socket does not listen"));
    }
    let listener = TcpListener::from(socket);
    listener.local_addr().map_err(|_| io::Error::other("the socket is not one of TCP's"))?;
    Ok(listener)
}

#[allow(unsafe_code, reason = "the number of an inherited descriptor becomes its owner")]
fn take_descriptor(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: it serves for the next call alone, which fails (EBADF) where no descriptor is open
    let inherited = unsafe { BorrowedFd::borrow_raw(fd) };
    // It came to us across exec(2); it goes no further
    fcntl(inherited, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    // SAFETY: it is open, the protocol makes it this process's own, and each is taken only once
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The variable's value, which is not passed on to children.
#[allow(unsafe_code, reason = "the environment is shared by all threads")]
fn take_variable(name: &str) -> Option<String> {
    let value = env::var(name).ok();
    // SAFETY: there is only this thread so far
    unsafe { env::remove_var(name) };
    value
}

fn serve(listener: &TcpListener) -> ! {
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
            // The listener is non-blocking. That flag is shared with the one who passed it, so we leave
            // it alone, and wait
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let _ = poll(&mut [PollFd::new(listener.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE);
            }
            // EMFILE or the like. The waiting client stays in the backlog, so accepting again at
            // once would fail at once, for ever; a departure frees a descriptor of ours, and the
            // time limit is for ENFILE, when other processes hold them all
            Err(_) => drop(departures.recv_timeout(Duration::from_secs(1))),
        }
    }
}

/// Sends back what comes, to the end. An error (a reset, say) ends this one connection.
fn echo(connection: &TcpStream) {
    // On the BSDs a connection inherits the listener's O_NONBLOCK
    if connection.set_nonblocking(false).is_err() {
        return;
    }
    // Nagle's algorithm would hold back a small echo until the one before is acknowledged
    let _ = connection.set_nodelay(true);
    let _ = io::copy(&mut &*connection, &mut &*connection);
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

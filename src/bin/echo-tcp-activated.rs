//! Echo over TCP on sockets that another process bound: socket activation.
//!
//! A service manager can bind and listen for a server, and start the server when the first client
//! comes. The server inherits the listening sockets as descriptors 3, 4 and so on. `LISTEN_FDS` is
//! their number. `LISTEN_PID` is the process they are meant for, so that a child that inherits the
//! environment does not take them (`sd_listen_fds(3)`). The server never calls `bind(2)`, so it
//! needs no privilege for port 7. No client is refused while the server restarts: the backlog
//! belongs to the socket, and the manager keeps the socket open.
//!
//! ```text
//! echospec check tcp --start listen-fds -- echo-tcp-activated
//! ```

use std::io::{self, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;
use std::{env, process, thread};

use anyhow::{Context, bail, ensure};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt};

fn main() -> anyhow::Result<()> {
    if env::args_os().len() > 1 {
        eprintln!("usage: echo-tcp-activated (without arguments: it inherits its sockets)");
        process::exit(2);
    }
    let count = env::var("LISTEN_FDS").ok().and_then(|it| it.parse().ok()).filter(|it| *it > 0);
    let (Ok(pid), Some(count)) = (env::var("LISTEN_PID"), count) else {
        bail!("no sockets were passed: try `systemd-socket-activate -l 7007 echo-tcp-activated`");
    };
    ensure!(pid == process::id().to_string(), "the sockets are meant for process {pid} (LISTEN_PID)");
    let mut listeners = Vec::new();
    for fd in (3..).take(count) {
        let listener = take(fd).with_context(|| format!("cannot use descriptor {fd}"))?;
        let local = listener.local_addr().context("the socket is not a TCP socket")?;
        // println! would panic if standard output is closed.
        let _ = writeln!(io::stdout(), "ready tcp-activated {local}");
        listeners.push(listener);
    }
    thread::scope(|scope| {
        for listener in &listeners {
            thread::Builder::new().spawn_scoped(scope, || serve(listener))?;
        }
        Ok(())
    })
}

#[expect(unsafe_code, reason = "the number of an inherited descriptor becomes its owner")]
fn take(fd: RawFd) -> anyhow::Result<TcpListener> {
    // SAFETY: only the next call uses it, and fails with EBADF if the descriptor is closed.
    let inherited = unsafe { BorrowedFd::borrow_raw(fd) };
    fcntl(inherited, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    // SAFETY: it is open, the protocol gives it to this process, and we take each only once.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    ensure!(getsockopt(&socket, sockopt::AcceptConn)?, "the socket does not listen");
    Ok(TcpListener::from(socket))
}

fn serve(listener: &TcpListener) -> ! {
    loop {
        match listener.accept() {
            Ok((connection, _)) => {
                let acceptor = thread::current();
                // If the system refuses a thread, spawn drops the closure, and with it the connection.
                let _ = thread::Builder::new().spawn(move || {
                    let _ = echo(&connection);
                    drop(connection);
                    acceptor.unpark();
                });
            }
            // The manager may have set O_NONBLOCK. It shares the flag with this process, so leave it set.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let _ = poll(&mut [PollFd::new(listener.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE);
            }
            // Without a free descriptor (EMFILE) accept(2) fails again at once: wait for a client to leave.
            Err(_) => thread::park_timeout(Duration::from_millis(100)),
        }
    }
}

/// Sends back every byte of a client until end of file. An error ends this connection only.
fn echo(connection: &TcpStream) -> io::Result<()> {
    // On the BSDs a connection inherits the listener's O_NONBLOCK.
    let _ = connection.set_nonblocking(false);
    // Nagle's algorithm would delay a small echo until the client acknowledges the last one.
    let _ = connection.set_nodelay(true);
    // io::copy alone would read 8 KiB at a time.
    io::copy(&mut BufReader::with_capacity(64 * 1024, connection), &mut &*connection)?;
    Ok(())
}

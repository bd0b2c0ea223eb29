//! One ring for the listener and all connections.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use io_uring::types::{Fd, Timespec};
use io_uring::{IoUring, opcode, squeue};
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};

/// The numbers of calls that belong to no connection.
const ACCEPT: u64 = u64::MAX;
const PAUSE: u64 = u64::MAX - 1;

static SECOND: Timespec = Timespec::new().sec(1);

struct Connection {
    socket: OwnedFd,
    buffer: Vec<u8>,
    /// What of the buffer is still to be sent; nothing is while a receive is under way.
    unsent: std::ops::Range<usize>,
}

struct Server {
    ring: IoUring,
    listener: RawFd,
    accepting: bool,
    /// By the number of their calls.
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
}

pub fn serve(listener: &TcpListener, announce: impl FnOnce()) -> io::Result<Infallible> {
    let ring = IoUring::new(1024).map_err(explain)?;
    announce();
    let listener = listener.as_raw_fd();
    let mut server = Server { ring, listener, accepting: false, connections: Vec::new(), free: Vec::new() };
    server.accept()?;
    loop {
        match server.ring.submit_and_wait(1) {
            // EBUSY: there are more answers than the queue holds. They are taken below.
            Err(error) if !matches!(error.raw_os_error(), Some(libc::EINTR | libc::EBUSY)) => {
                return Err(error);
            }
            _ => {}
        }
        let answers: Vec<_> =
            server.ring.completion().map(|answer| (answer.user_data(), answer.result())).collect();
        for (number, result) in answers {
            // A negative result is the error's number: there is no errno here.
            let result = if result < 0 { Err(Errno::from_raw(-result)) } else { Ok(result) };
            server.take(number, result)?;
        }
    }
}

impl Server {
    fn take(&mut self, number: u64, result: nix::Result<i32>) -> io::Result<()> {
        match (number, result) {
            (ACCEPT, result) => self.accepted(result),
            (PAUSE, _) => self.accept(),
            (number, Ok(length)) if length > 0 => self.go_on(number as usize, length as usize),
            // The end, or an error (a reset, say): of this one connection.
            (number, _) => self.leave(number as usize),
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        if self.accepting {
            return Ok(());
        }
        self.accepting = true;
        let call = opcode::Accept::new(Fd(self.listener), ptr::null_mut(), ptr::null_mut());
        self.submit(&call.flags(libc::SOCK_CLOEXEC).build().user_data(ACCEPT))
    }

    fn accepted(&mut self, result: nix::Result<i32>) -> io::Result<()> {
        self.accepting = false;
        match result {
            Ok(socket) => {
                self.welcome(socket)?;
                self.accept()
            }
            // This one client went away before its turn: accept(2) says to take the next.
            Err(Errno::ECONNABORTED | Errno::EINTR) => self.accept(),
            // EMFILE or the like, and it would be the same at once. A client of ours that leaves
            // has us try again; the pause is for ENFILE, when others hold the descriptors.
            Err(_) => self.submit(&opcode::Timeout::new(&raw const SECOND).build().user_data(PAUSE)),
        }
    }

    fn welcome(&mut self, socket: RawFd) -> io::Result<()> {
        #[allow(unsafe_code, reason = "accept answers with a number")]
        // SAFETY: the kernel has just opened it for us, and nobody else knows of it.
        let socket = unsafe { OwnedFd::from_raw_fd(socket) };
        // Nagle's algorithm would hold back a small echo until the last is acknowledged.
        let _ = setsockopt(&socket, sockopt::TcpNoDelay, &true);
        let connection = Connection { socket, buffer: vec![0; 64 * 1024], unsent: 0..0 };
        let number = self.free.pop().unwrap_or(self.connections.len());
        self.connections.resize_with(self.connections.len().max(number + 1), || None);
        self.connections[number] = Some(connection);
        self.call(number)
    }

    /// `length` bytes have been received, or sent.
    fn go_on(&mut self, number: usize, length: usize) -> io::Result<()> {
        if let Some(connection) = &mut self.connections[number] {
            let unsent = &mut connection.unsent;
            *unsent = if unsent.start == unsent.end { 0..length } else { unsent.start + length..unsent.end };
        }
        self.call(number)
    }

    /// Sends what is left, and when nothing is, receives.
    fn call(&mut self, number: usize) -> io::Result<()> {
        let Some(Connection { socket, buffer, unsent }) = &mut self.connections[number] else {
            return Ok(());
        };
        let fd = Fd(socket.as_raw_fd());
        let call = if unsent.start == unsent.end {
            opcode::Recv::new(fd, buffer.as_mut_ptr(), buffer.len() as u32).build()
        } else {
            let rest = &buffer[unsent.clone()];
            opcode::Send::new(fd, rest.as_ptr(), rest.len() as u32).flags(libc::MSG_NOSIGNAL).build()
        };
        self.submit(&call.user_data(number as u64))
    }

    fn leave(&mut self, number: usize) -> io::Result<()> {
        self.connections[number] = None;
        self.free.push(number);
        self.accept()
    }

    fn submit(&mut self, call: &squeue::Entry) -> io::Result<()> {
        #[allow(unsafe_code, reason = "the kernel will use the memory that a call names")]
        // SAFETY: a connection's buffer is neither used nor freed while its one call is under way.
        while unsafe { self.ring.submission().push(call) }.is_err() {
            // The queue is full: what is in it goes to the kernel first.
            self.ring.submit()?;
        }
        Ok(())
    }
}

/// Containers forbid io_uring by seccomp(2), and administrators by `kernel.io_uring_disabled`.
fn explain(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EPERM | libc::EACCES) => {
            let reason =
                format!("io_uring is not to be had here (kernel.io_uring_disabled, seccomp): {error}");
            io::Error::new(io::ErrorKind::Unsupported, reason)
        }
        _ => error,
    }
}

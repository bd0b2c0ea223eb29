//! Echo over TCP, one process per client.
//!
//! `fork(2)` gives the child a copy of every descriptor, and a socket is closed only when its last
//! copy is: so the parent closes the connection (else the client would never see the end of it),
//! and the child closes the listener (else the port would stay taken after the parent's death).
//! One pipe ties the family together. Only the parent holds its write end, and never writes: when
//! the parent ends, however it ends, the kernel closes that end and every child reads end of file.
//!
//! ```text
//! echospec check tcp -- echo-tcp-fork {addr}
//! ```

use std::fmt::Display;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::{env, thread};

use nix::errno::Errno;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::wait::wait;
use nix::unistd::ForkResult;
use os_pipe::{PipeReader, PipeWriter};

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let (Some(address), None) = (args.next(), args.next()) else {
        let usage = "usage: echo-tcp-fork ADDRESS, for instance 127.0.0.1:7007 or [::1]:7007";
        return complain(2, usage);
    };
    let address = address.to_string_lossy();
    let (listener, local, lifeline) = match set_up(&address) {
        Ok(bound) => bound,
        Err(error) => {
            let hint = "give HOST:PORT of this machine, with port 0 for any free one";
            let line = format!("echo-tcp-fork: cannot listen on {address}: {error}; {hint}");
            return complain(1, line);
        }
    };
    // Whoever started us may have closed its end; that is no reason to stop serving.
    let _ = writeln!(io::stdout(), "ready tcp-fork {local}");
    serve(listener, lifeline)
}

/// The pipe's two ends: one for the children to watch, one for the parent to hold.
type Lifeline = (PipeReader, PipeWriter);

fn set_up(address: &str) -> io::Result<(TcpListener, SocketAddr, Lifeline)> {
    let listener = TcpListener::bind(address)?;
    let local = listener.local_addr()?;
    reap_children_unasked()?;
    Ok((listener, local, os_pipe::pipe()?))
}

fn serve(listener: TcpListener, (lifeline, parents_end): Lifeline) -> ExitCode {
    loop {
        match listener.accept() {
            Ok((connection, _)) => {
                if let Ok(ForkResult::Child) = fork() {
                    drop((listener, parents_end));
                    serve_one(&connection, lifeline);
                }
                // The parent's copy of the connection closes here. After a failed fork it was the
                // only one: that client is turned away, the others stay.
            }
            Err(error) if is_shortage(&error) => {
                // New clients are better refused than left to wait. Those that have a child keep
                // it: where children are reaped unasked, wait(2) returns when the last has ended.
                drop(listener);
                let status = complain(1, format!("echo-tcp-fork: cannot accept clients any more: {error}"));
                let _ = wait();
                return status;
            }
            Err(_) => {}
        }
    }
}

/// Whether the system lacks descriptors or memory. Anything else that accept(2) may report concerns
/// one client alone: it went away before its turn, say.
fn is_shortage(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM))
}

/// The child: sends back what comes, to the end or to its parent's death.
fn serve_one(connection: &TcpStream, mut lifeline: PipeReader) -> ! {
    let watch = move || {
        let _ = lifeline.read(&mut [0]);
        process::exit(0)
    };
    if thread::Builder::new().spawn(watch).is_ok() {
        let _ = echo(connection);
    }
    process::exit(0)
}

/// Sends back what comes, to the end. An error (a reset, say) ends this one connection.
fn echo(mut connection: &TcpStream) -> io::Result<()> {
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

/// Has the kernel discard ended children instead of keeping them as zombies for a `wait(2)` that
/// never comes: what POSIX says of an ignored SIGCHLD.
#[expect(unsafe_code, reason = "a signal's disposition belongs to the whole process")]
fn reap_children_unasked() -> io::Result<()> {
    // SAFETY: no handler is installed, and nothing in this program needs a child's status.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) }?;
    Ok(())
}

#[expect(unsafe_code, reason = "fork copies only the thread that calls it")]
fn fork() -> nix::Result<ForkResult> {
    // SAFETY: the parent has only this thread, so no lock in the child can be held by a missing one.
    unsafe { nix::unistd::fork() }
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

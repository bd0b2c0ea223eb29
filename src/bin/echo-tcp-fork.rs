//! Echo over TCP, one process per client.
//!
//! `fork(2)` gives the child a copy of every descriptor, and a socket is closed only when its last
//! copy is. So the parent closes the connection: otherwise the client would never see its end. And
//! the child closes the listener: otherwise the port would stay in use after the parent's death.
//! A pipe ends the children with their parent. Only the parent holds its write end, and never
//! writes. When the parent exits or is killed, the kernel closes that end, and each child reads
//! end of file.
//!
//! ```text
//! echospec check tcp -- echo-tcp-fork {addr}
//! ```

use std::io::{self, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, process, thread};

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::socket::{Backlog, listen};
use nix::sys::wait::wait;
use nix::unistd::ForkResult;
use os_pipe::PipeReader;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [address] = &args[..] else {
        eprintln!("usage: echo-tcp-fork HOST:PORT, for instance 127.0.0.1:7007 or [::1]:7007");
        process::exit(2);
    };
    let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    // std chooses a backlog of 128. A client that finds it full waits for a second or more, so allow more.
    listen(&listener, Backlog::MAXCONN)?;
    let (lifeline, parents_end) = os_pipe::pipe()?;
    leave_no_zombies()?;
    // println! would panic if standard output is closed.
    let _ = writeln!(io::stdout(), "ready tcp-fork {}", listener.local_addr()?);
    loop {
        match listener.accept() {
            Ok((connection, _)) => {
                if let Ok(ForkResult::Child) = fork() {
                    drop((listener, parents_end));
                    serve(&connection, lifeline);
                }
                // The parent's copy of the connection closes here. If fork(2) failed, it is the only one.
            }
            Err(error) if is_shortage(&error) => {
                // New clients are refused, not left to wait. Clients with a child keep it: while SIGCHLD is
                // ignored, wait(2) returns when the last child has exited.
                drop(listener);
                let _ = wait();
                return Err(error).context("cannot accept more clients");
            }
            // Any other error concerns one client, such as one that left the backlog before its turn.
            Err(_) => {}
        }
    }
}

/// Whether accept(2) failed because the system lacks descriptors or memory: it then fails again at once.
fn is_shortage(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM))
}

/// Runs the child process of a forking server: serves one client until its end of file or the parent's death.
fn serve(connection: &TcpStream, mut lifeline: PipeReader) -> ! {
    let watch = move || {
        let _ = lifeline.read(&mut [0]);
        process::exit(0)
    };
    if thread::Builder::new().spawn(watch).is_ok() {
        let _ = echo(connection);
    }
    process::exit(0)
}

/// Sends back every byte of a client until end of file.
fn echo(connection: &TcpStream) -> io::Result<()> {
    // Nagle's algorithm would delay a small echo until the client acknowledges the last one.
    let _ = connection.set_nodelay(true);
    // io::copy alone would read 8 KiB at a time.
    io::copy(&mut BufReader::with_capacity(64 * 1024, connection), &mut &*connection)?;
    Ok(())
}

/// Makes the kernel discard exited children, by ignoring SIGCHLD (POSIX, `wait(2)`).
#[expect(unsafe_code, reason = "a signal's disposition belongs to the whole process")]
fn leave_no_zombies() -> nix::Result<()> {
    // SAFETY: this installs no handler, and this program needs no child's status.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) }.map(drop)
}

#[expect(unsafe_code, reason = "fork copies only the thread that calls it")]
fn fork() -> nix::Result<ForkResult> {
    // SAFETY: the parent has only this thread, so no other thread can hold a lock in the child.
    unsafe { nix::unistd::fork() }
}

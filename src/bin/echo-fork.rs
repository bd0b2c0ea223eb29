//! Echo through a child process: parent and child joined by two pipes.
//!
//! The plumbing a shell does for `a | b`, in a circle: what the parent reads on standard input goes
//! down one pipe to a forked child, which echoes it into the other, and the parent writes that to
//! standard output. Two rules keep the circle from standing still. *Close what you don't use*: a
//! pipe is at end of file only when every copy of its write end is closed (`pipe(7)`). *Move both
//! directions at once*: a pipe holds some 64 KiB, so a parent that first wrote everything and then
//! read would, in the end, wait for a child that waits for it.
//!
//! ```text
//! echospec check pipe -- echo-fork
//! ```

use std::fmt::Display;
use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::{env, thread};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, dup2_stdin, dup2_stdout, fork, read, write};
use os_pipe::{PipeReader, PipeWriter, pipe};

fn main() -> ExitCode {
    if env::args_os().len() > 1 {
        return complain(2, "usage: echo-fork (it has no arguments: it echoes its standard input)");
    }
    match echo() {
        Ok(()) => ExitCode::SUCCESS,
        // Rust ignores SIGPIPE, so a reader that went away shows as EPIPE, or as a reset where
        // standard output is a socket: nobody is left to echo to, and that is no failure of ours.
        Err(error) if matches!(error.kind(), BrokenPipe | ConnectionReset) => ExitCode::SUCCESS,
        Err(error) => complain(1, format!("echo-fork: cannot echo: {error}")),
    }
}

fn echo() -> io::Result<()> {
    let (childs_input, to_child) = pipe()?;
    let (from_child, childs_output) = pipe()?;
    #[expect(unsafe_code, reason = "fork copies only the thread that calls it")]
    // SAFETY: there is only this thread so far, so no lock in the child is held by a missing one.
    let forked = unsafe { fork() }?;
    if let ForkResult::Parent { child } = forked {
        drop((childs_input, childs_output));
        return be_the_parent(child, to_child, from_child);
    }
    drop((to_child, from_child));
    // The pipes replace the parent's standard input and output, which are none of the child's.
    dup2_stdin(&childs_input)?;
    dup2_stdout(&childs_output)?;
    drop((childs_input, childs_output));
    Ok(copy(io::stdin(), io::stdout())?)
}

fn be_the_parent(child: Pid, to_child: PipeWriter, from_child: PipeReader) -> io::Result<()> {
    // A thread, and only now: fork(2) copies no thread but the one that calls it. Having copied
    // everything it drops `to_child`, and so passes the end of file on.
    let sender = thread::Builder::new().spawn(move || copy(io::stdin(), &to_child))?;
    let received = copy(&from_child, io::stdout());
    if received.is_err() {
        // What the child may still be waiting for would be echoed to nobody.
        let _ = kill(child, Signal::SIGTERM);
    }
    let status = waitpid(child, None);
    received?;
    match status {
        // The child came to the end of its input, so the sender has ended, and joins at once.
        // (ECHILD: we were started with SIGCHLD ignored, and the kernel has kept no status.)
        Ok(WaitStatus::Exited(_, 0)) | Err(Errno::ECHILD) => Ok(sender.join().unwrap_or(Ok(()))?),
        early => Err(io::Error::other(format!("the child ended early: {early:?}"))),
    }
}

/// Copies every byte as soon as it is there, until end of file.
fn copy(input: impl AsFd, output: impl AsFd) -> nix::Result<()> {
    let mut buffer = [0; 64 * 1024];
    loop {
        let length = when(PollFlags::POLLIN, &input, || read(&input, &mut buffer))?;
        if length == 0 {
            return Ok(());
        }
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            let written = when(PollFlags::POLLOUT, &output, || write(&output, rest))?;
            rest = &rest[written..];
        }
    }
}

/// Makes `call` until it is neither interrupted nor told to come back when `fd` is ready.
fn when(
    ready: PollFlags,
    fd: &impl AsFd,
    mut call: impl FnMut() -> nix::Result<usize>,
) -> nix::Result<usize> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                let _ = poll(&mut [PollFd::new(fd.as_fd(), ready)], PollTimeout::NONE);
            }
            outcome => return outcome,
        }
    }
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

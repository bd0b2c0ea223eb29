//! Echo through a child process: parent and child joined by two pipes.
//!
//! A shell connects `a | b` in the same way, but here the pipes form a circle. The parent writes its
//! standard input to one pipe. The forked child echoes it into the other, and the parent copies
//! that to its standard output. Two rules prevent a deadlock. *Close the ends that you do not use*:
//! a pipe is at end of file only when every copy of its write end is closed (`pipe(7)`). *Move both
//! directions at once*: a pipe holds some 64 KiB, so a parent that writes everything before it reads
//! would wait for a child that waits for the parent.
//!
//! ```text
//! echospec check pipe -- echo-fork
//! ```

use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
use std::os::fd::AsFd;
use std::{env, io, process, thread};

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, dup2_stdin, dup2_stdout, fork, read, write};
use os_pipe::{PipeReader, PipeWriter, pipe};

fn main() -> anyhow::Result<()> {
    if env::args_os().len() > 1 {
        eprintln!("usage: echo-fork (without arguments: it echoes its standard input)");
        process::exit(2);
    }
    match echo() {
        // The reader has gone. Rust ignores SIGPIPE, so write(2) fails, on a socket perhaps with ECONNRESET.
        Err(error) if matches!(error.kind(), BrokenPipe | ConnectionReset) => Ok(()),
        outcome => outcome.context("cannot echo standard input"),
    }
}

fn echo() -> io::Result<()> {
    let (childs_input, to_child) = pipe()?;
    let (from_child, childs_output) = pipe()?;
    #[expect(unsafe_code, reason = "fork copies only the thread that calls it")]
    // SAFETY: this is the only thread, so no other thread can hold a lock in the child.
    let forked = unsafe { fork() }?;
    if let ForkResult::Parent { child } = forked {
        drop((childs_input, childs_output));
        return parent(child, to_child, &from_child);
    }
    drop((to_child, from_child));
    // The pipes replace the parent's standard input and output, which the child does not use.
    dup2_stdin(&childs_input)?;
    dup2_stdout(&childs_output)?;
    drop((childs_input, childs_output));
    Ok(copy(io::stdin(), io::stdout())?)
}

fn parent(child: Pid, to_child: PipeWriter, from_child: &PipeReader) -> io::Result<()> {
    // Only after fork(2), which copies no other thread. At the end the thread drops `to_child`, and
    // so passes the end of file on to the child.
    let sender = thread::Builder::new().spawn(move || copy(io::stdin(), &to_child))?;
    let received = copy(from_child, io::stdout());
    if received.is_err() {
        // The output is gone, and the child may wait for input for ever.
        let _ = kill(child, Signal::SIGTERM);
    }
    let status = waitpid(child, None);
    received?;
    match status {
        // The child has reached the end of its input, so the sender has ended. ECHILD: this process
        // inherited an ignored SIGCHLD, and the kernel keeps no status.
        Ok(WaitStatus::Exited(_, 0)) | Err(Errno::ECHILD) => Ok(sender.join().unwrap_or(Ok(()))?),
        early => Err(io::Error::other(format!("the child ended early: {early:?}"))),
    }
}

/// Copies all bytes from `input` to `output` until end of file, each as soon as it can be read.
fn copy(input: impl AsFd, output: impl AsFd) -> nix::Result<()> {
    let mut buffer = [0; 64 * 1024];
    loop {
        let length = read(&input, &mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            rest = &rest[write(&output, rest)?..];
        }
    }
}

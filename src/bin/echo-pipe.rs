//! Echo from standard input to standard output.
//!
//! A Unix filter needs only `read(2)` on descriptor 0 and `write(2)` on descriptor 1. So the same
//! program echoes through two pipes, a pseudo-terminal, a socket of a pair (`socketpair(2)`), or a
//! connection that inetd accepted. Both calls have habits that each loop must handle: a read
//! returns what is there, not what was asked for; a write may take only a part; a signal may
//! interrupt either (EINTR); and a descriptor that another process made non-blocking fails with
//! EAGAIN. `O_NONBLOCK` belongs to the *open file description*, which both processes share. So this
//! program does not clear it, but waits with `poll(2)`.
//!
//! ```text
//! echospec check pipe -- echo-pipe
//! echospec check pty -- echo-pipe
//! echospec check socketpair -- echo-pipe
//! echospec check socketpair-dgram -- echo-pipe
//! echospec check socketpair-seqpacket -- echo-pipe
//! echospec check tcp --start inetd -- echo-pipe
//! ```

use std::os::fd::AsFd;
use std::{env, io, process};

use anyhow::Context;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{read, write};

fn main() -> anyhow::Result<()> {
    if env::args_os().len() > 1 {
        eprintln!("usage: echo-pipe (without arguments: it echoes its standard input)");
        process::exit(2);
    }
    match copy(io::stdin(), io::stdout()) {
        // The reader has gone. Rust ignores SIGPIPE, so write(2) fails, on a socket perhaps with ECONNRESET.
        Err(Errno::EPIPE | Errno::ECONNRESET) => Ok(()),
        outcome => outcome.context("cannot echo standard input"),
    }
}

/// Copies all bytes from `input` to `output` until end of file, each as soon as it can be read.
fn copy(input: impl AsFd, output: impl AsFd) -> nix::Result<()> {
    // A datagram that does not fit is cut off. Linux by default sends up to some 200 KiB at once.
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let length = retry(&input, PollFlags::POLLIN, || read(&input, &mut buffer))?;
        if length == 0 {
            return Ok(());
        }
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            let written = retry(&output, PollFlags::POLLOUT, || write(&output, rest))?;
            rest = &rest[written..];
        }
    }
}

/// Repeats the system call `call` after EINTR, and after EAGAIN once `fd` is ready.
fn retry(
    fd: &impl AsFd,
    ready: PollFlags,
    mut call: impl FnMut() -> nix::Result<usize>,
) -> nix::Result<usize> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => drop(poll(&mut [PollFd::new(fd.as_fd(), ready)], PollTimeout::NONE)),
            outcome => return outcome,
        }
    }
}

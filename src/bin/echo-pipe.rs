//! Echo from standard input to standard output: whatever they are.
//!
//! A Unix filter asks nothing of descriptors 0 and 1 but `read(2)` and `write(2)`, so the same
//! program echoes through two pipes, a pseudo-terminal or one socket that is both: of a pair
//! (`socketpair(2)`), or started by inetd. The two calls have four habits that each loop around them must know: a read returns what
//! is there, not what was asked for; a write may take only a part; a signal may interrupt either
//! (EINTR); and a descriptor that another process made non-blocking answers EAGAIN. `O_NONBLOCK`
//! belongs to the *open file description*, which we share with that process: so we wait with
//! `poll(2)`, and leave the flag alone.
//!
//! ```text
//! echospec check pipe -- echo-pipe
//! echospec check pty -- echo-pipe
//! echospec check socketpair -- echo-pipe
//! echospec check socketpair-dgram -- echo-pipe
//! echospec check socketpair-seqpacket -- echo-pipe
//! echospec check tcp --start inetd -- echo-pipe
//! ```

use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{read, write};

fn main() -> ExitCode {
    if env::args_os().len() > 1 {
        return complain(2, "usage: echo-pipe (it has no arguments: it echoes its standard input)");
    }
    match copy(io::stdin(), io::stdout()) {
        // Rust ignores SIGPIPE, so a reader that went away shows as EPIPE, or as a reset where
        // standard output is a socket: nobody is left to echo to, and that is no failure of ours
        Ok(()) | Err(Errno::EPIPE | Errno::ECONNRESET) => ExitCode::SUCCESS,
        Err(error) => complain(1, format!("echo-pipe: cannot echo: {}", error.desc())),
    }
}

/// Copies every byte as soon as it is there, until end of file.
fn copy(input: impl AsFd, output: impl AsFd) -> nix::Result<()> {
    // On a socket that keeps boundaries, what doesn't fit is thrown away: Linux by default sends up
    // to some 200 KiB at once.
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let length = when_ready(&input, PollFlags::POLLIN, || read(&input, &mut buffer))?;
        if length == 0 {
            return Ok(());
        }
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            let written = when_ready(&output, PollFlags::POLLOUT, || write(&output, rest))?;
            rest = &rest[written..];
        }
    }
}

/// Makes `call` until it is neither interrupted nor told to come back when `fd` is ready.
fn when_ready(
    fd: &impl AsFd,
    ready: PollFlags,
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
    // eprintln! would panic where standard error cannot be written
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

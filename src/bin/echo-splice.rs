//! Echo from one pipe to another without copying a byte: `splice(2)`.
//!
//! A pipe holds its bytes in pages of kernel memory. `read(2)` and `write(2)` copy them out and in
//! again; `splice(2)`, which only Linux has, moves the pages themselves from pipe to pipe. This
//! program never sees the data, so it has no buffer. Three habits of `read(2)` remain: the call
//! moves what is there, not what was asked for; a signal may interrupt it (EINTR); and if another
//! process made one of the pipes non-blocking, it fails with EAGAIN, and does not say for which.
//! Where neither end is a pipe, or the output was opened to append, it fails with EINVAL before it
//! has moved anything: then the bytes are copied.
//!
//! ```text
//! echospec check pipe -- echo-splice
//! ```

use std::{env, io, process};

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    if env::args_os().len() > 1 {
        eprintln!("usage: echo-splice (without arguments: it echoes its standard input)");
        process::exit(2);
    }
    match echo() {
        // The reader has gone. Rust ignores SIGPIPE, so splice(2) fails.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.context("cannot move bytes from pipe to pipe"),
    }
}

#[cfg(target_os = "linux")]
fn echo() -> io::Result<()> {
    use std::fs::File;
    use std::os::fd::AsFd;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use rustix::io::Errno;
    use rustix::pipe::{SpliceFlags, splice};

    /// The size of the largest pipe that an unprivileged process can have: `/proc/sys/fs/pipe-max-size`.
    const MOST: usize = 1024 * 1024;

    let (input, output) = (io::stdin(), io::stdout());
    loop {
        match splice(&input, None, &output, None, MOST, SpliceFlags::empty()) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                for (fd, ready) in [(input.as_fd(), PollFlags::POLLIN), (output.as_fd(), PollFlags::POLLOUT)]
                {
                    poll(&mut [PollFd::new(fd, ready)], PollTimeout::NONE)?;
                }
            }
            Err(Errno::INVAL) => {
                return io::copy(&mut input.lock(), &mut File::from(output.as_fd().try_clone_to_owned()?))
                    .map(drop);
            }
            Err(errno) => return Err(errno.into()),
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn echo() -> io::Result<()> {
    eprintln!("unsupported: only Linux has splice(2)");
    process::exit(77)
}

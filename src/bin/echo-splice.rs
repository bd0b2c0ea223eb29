//! Echo from one pipe to another without touching a byte: `splice(2)`.
//!
//! What lies in a pipe lies in pages of the kernel's memory. `read(2)` and `write(2)` copy them out
//! and in again; `splice(2)`, which only Linux has, hands the pages themselves from pipe to pipe. The
//! program never sees the data, and so has no buffer. Of the habits of `read(2)` it keeps three: it
//! moves what is there, not what was asked for; a signal may interrupt it (EINTR); and where another
//! process has made a pipe non-blocking it answers EAGAIN, without saying which of the two.
//!
//! ```text
//! echospec check pipe -- echo-splice
//! ```

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args_os().len() > 1 {
        return complain(2, "usage: echo-splice (it has no arguments: it echoes its standard input)");
    }
    match copy() {
        Ok(()) => ExitCode::SUCCESS,
        // Rust ignores SIGPIPE: nobody is left to echo to, and that is no failure of ours.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            complain(77, format!("unsupported: {error}"))
        }
        Err(error) => complain(1, format!("echo-splice: cannot move what comes from pipe to pipe: {error}")),
    }
}

#[cfg(target_os = "linux")]
fn copy() -> io::Result<()> {
    use rustix::io::Errno;
    use rustix::pipe::{SpliceFlags, splice};

    /// As much as the largest pipe holds for those who are not root: `/proc/sys/fs/pipe-max-size`.
    const MOST: usize = 1024 * 1024;

    let (input, output) = (io::stdin(), io::stdout());
    loop {
        match splice(&input, None, &output, None, MOST, SpliceFlags::empty()) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => until_ready(&input, &output)?,
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// First until there is something, then until there is room for it.
#[cfg(target_os = "linux")]
fn until_ready(input: &io::Stdin, output: &io::Stdout) -> io::Result<()> {
    use std::os::fd::AsFd;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    for (fd, ready) in [(input.as_fd(), PollFlags::POLLIN), (output.as_fd(), PollFlags::POLLOUT)] {
        poll(&mut [PollFd::new(fd, ready)], PollTimeout::NONE)?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn copy() -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux has splice(2)"))
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

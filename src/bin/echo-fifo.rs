//! Echo over two named pipes: clients write to `PATH.in` and read from `PATH.out`.
//!
//! A FIFO (`fifo(7)`) is a pipe with a name. To open it is a rendezvous: an `open(2)` for reading
//! waits until somebody opens it for writing, and the other way round. That is all the `accept(2)`
//! there is: one client after another, each of which opens `PATH.in` and then `PATH.out`. A pipe
//! goes one way, so each direction has its own, and its own end of file when its last writer
//! closes. Clients must take turns, since a FIFO has no connections and would mix their bytes.
//! Nor does a FIFO tell whether it still has a server, for whoever opens it to find out poses as
//! a client. So one that lies there already is never taken over, only refused.
//!
//! ```text
//! echospec check fifo -- echo-fifo {path}
//! ```

use std::convert::Infallible;
use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, thread};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

/// Whether the FIFOs are being removed: who finds none any more then is not to complain.
static ENDING: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let (Some(path), None) = (args.next().filter(|it| !it.is_empty()), args.next()) else {
        return complain(2, "usage: echo-fifo PATH (it makes the named pipes PATH.in and PATH.out)");
    };
    match serve_until_terminated(&path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(1, format!("echo-fifo: cannot serve {}: {error}", path.display())),
    }
}

fn serve_until_terminated(path: &OsStr) -> io::Result<()> {
    // Blocked before there is anything to remove, and in every thread to come, the signals wait
    // for sigwait(3) below
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    let (input, output) = (Fifo::make(path, ".in")?, Fifo::make(path, ".out")?);

    let (path, from, to) = (path.to_owned(), input.path.clone(), output.path.clone());
    thread::Builder::new().spawn(move || {
        // Whoever started us may have closed its end; that is no reason to stop serving
        let _ = writeln!(io::stdout(), "ready fifo {}", path.display());
        let Err(error) = serve(&from, &to);
        // The names have gone with the signal, and the process goes in a moment
        while ENDING.load(Ordering::SeqCst) {
            thread::park();
        }
        complain(1, format!("echo-fifo: cannot open {} any more: {error}", path.display()));
        process::exit(1)
    })?;
    termination.wait()?;
    ENDING.store(true, Ordering::SeqCst);
    Ok(())
}

fn serve(input: &Path, output: &Path) -> io::Result<Infallible> {
    loop {
        let from_client = File::open(input)?;
        let to_client = File::options().write(true).open(output)?;
        if echo(&from_client, &to_client).is_err() {
            // EPIPE: this client no longer reads. Its turn lasts until it no longer writes, either,
            // or what is left in the pipe would be echoed to the next
            let _ = io::copy(&mut &from_client, &mut io::sink());
        }
        // In this order, so that who sees the end of the echo finds no reader of the old input,
        // and the next client's open waits for the next turn
        drop(from_client);
        drop(to_client);
    }
}

/// Sends back what comes, to the end.
fn echo(mut from: &File, mut to: &File) -> io::Result<()> {
    // On Linux io::copy would move pages from pipe to pipe (splice(2)): for that, see echo-splice
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => to.write_all(&buffer[..length])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A named pipe of our making: it goes when we go, unless another has taken its name.
struct Fifo {
    path: PathBuf,
    inode: Option<(u64, u64)>,
}

impl Fifo {
    fn make(path: &OsStr, suffix: &str) -> io::Result<Fifo> {
        let mut path = path.to_owned();
        path.push(suffix);
        let path = PathBuf::from(path);
        // mkfifo(2) takes no name that is taken, whatever lies there
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).map_err(|errno| {
            let hint = match errno {
                Errno::EEXIST => " (if that is a FIFO without a server, remove it)",
                _ => "",
            };
            io::Error::other(format!("{}: {}{hint}", path.display(), errno.desc()))
        })?;
        Ok(Fifo { inode: inode(&path), path })
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        if inode(&self.path) == self.inode {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

//! Echo through memory that client and server share: the kernel moves nothing, and at most wakes.
//!
//! Each client gets memory of its own, with a ring of bytes for each direction (`shm/ring.rs`). What
//! remains to be chosen is how to *wait* (`shm/memory.rs`): asleep until the other side wakes, by a
//! futex (`futex(2)`) or an eventfd (`eventfd(2)`; a pipe where there is none), or awake, looking
//! again and again. To spin wastes a processor and needs a second one for the other side; `yield`
//! lets others run between two looks. Memory tells nobody that a process has died, so a Unix socket (`unix(7)`)
//! stands beside it: through it the memory is handed over, as an open file (`SCM_RIGHTS`), and its
//! end says that the client has gone.
//!
//! ```text
//! echospec check shm-futex -- echo-shm futex {path}
//! echospec check shm-eventfd -- echo-shm eventfd {path}
//! ```
//!
//! `echospec check shm-spin -- echo-shm yield {path}` warns of what it costs: `load/idle`.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, thread, time::Duration};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::sys::stat::{Mode, umask};

#[path = "shm/mapping.rs"]
mod mapping;
#[path = "shm/memory.rs"]
mod memory;
#[path = "shm/ring.rs"]
mod ring;
#[path = "shm/system.rs"]
mod system;

use memory::{Memory, Waiting};

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let waiting = args.next().and_then(|it| Waiting::named(it.to_str()?));
    let (Some(waiting), Some(path), None) = (waiting, args.next().filter(|it| !it.is_empty()), args.next())
    else {
        return complain(
            2,
            "usage: echo-shm futex|eventfd|spin|yield PATH (of the socket to meet clients at)",
        );
    };
    match serve_until_terminated(waiting, &path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::Unsupported => complain(77, format!("unsupported: {error}")),
        Err(error) => {
            let hint = "give a short path where nothing lies";
            complain(1, format!("echo-shm: cannot listen on {}: {error}; {hint}", path.display()))
        }
    }
}

fn serve_until_terminated(waiting: Waiting, path: &OsStr) -> io::Result<()> {
    // Blocked here and in every thread to come, the signals wait for sigwait(3) below.
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    // Tried before anything is promised to anybody.
    drop(Memory::new(waiting)?);
    // With this mask the socket is its owner's alone from the moment it exists.
    umask(Mode::S_IXUSR | Mode::S_IRWXG | Mode::S_IRWXO);
    let listener = UnixListener::bind(path)?;
    let inode = |name: &Path| fs::symlink_metadata(name).ok().map(|found| (found.dev(), found.ino()));
    let ours = inode(path.as_ref());
    let ready = format!("ready shm {}\n", path.display());
    thread::Builder::new().spawn(move || {
        // Whoever started us may have closed its end; that is no reason to stop serving.
        let _ = io::stdout().write_all(ready.as_bytes());
        serve(waiting, &listener)
    })?;
    termination.wait()?;
    // The name goes too, unless another has put one of its own in its place.
    if ours.is_some() && ours == inode(path.as_ref()) { fs::remove_file(path) } else { Ok(()) }
}

fn serve(waiting: Waiting, listener: &UnixListener) -> ! {
    loop {
        match listener.accept() {
            Ok((client, _)) => {
                let acceptor = thread::current();
                // Where the system refuses a thread, the closure is dropped and the connection with
                // it: that client is turned away, the others stay.
                let _ = thread::Builder::new().spawn(move || {
                    let _ = attend(waiting, &client);
                    drop(client);
                    acceptor.unpark();
                });
            }
            // This one client went away before its turn: accept(2) says to take the next.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            // EMFILE or the like, and it would be the same at once. A client of ours that leaves
            // unparks us; the time limit is for ENFILE, when other processes hold the descriptors.
            Err(_) => thread::park_timeout(Duration::from_secs(1)),
        }
    }
}

/// Hands memory to the client and echoes in it, until the client ends its direction or hangs up.
fn attend(waiting: Waiting, client: &UnixStream) -> io::Result<()> {
    let memory = Memory::new(waiting)?;
    let rights = [ControlMessage::ScmRights(&memory.descriptors())];
    sendmsg::<()>(client.as_raw_fd(), &[IoSlice::new(b"m")], &rights, MsgFlags::empty(), None)?;
    thread::scope(|scope| {
        thread::Builder::new().spawn_scoped(scope, || {
            // Nothing ever comes through the socket but its end.
            let _ = (&mut &*client).read(&mut [0]);
            memory.hang_up();
        })?;
        memory.echo();
        client.shutdown(Shutdown::Both)
    })
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

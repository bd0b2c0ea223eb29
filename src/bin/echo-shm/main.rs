//! Echo through memory that client and server share: the kernel copies nothing, and only wakes them.
//!
//! Each client gets memory of its own, with a ring of bytes for each direction (`ring.rs`). There are
//! four ways to *wait* for the other side (`memory.rs`). A thread can sleep until the other side
//! wakes it, by a futex (`futex(2)`) or an eventfd (`eventfd(2)`; a pipe on systems without them).
//! Or it can check again and again: `spin` occupies a whole processor and needs a second one for the
//! other side; `yield` lets other threads run between two checks. Memory does not tell when a
//! process has exited. So each client also has a Unix socket (`unix(7)`): the server passes the
//! memory through it, as an open file (`SCM_RIGHTS`), and its end of file means that the client has
//! gone.
//!
//! ```text
//! echospec check shm-futex -- echo-shm futex {path}
//! echospec check shm-eventfd -- echo-shm eventfd {path}
//! ```
//!
//! `echospec check shm-spin -- echo-shm yield {path}` warns of the processor time it uses: `load/idle`.

use std::ffi::OsString;
use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::{env, fs, process, thread, time::Duration};

use anyhow::Context;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::sys::stat::{Mode, umask};

mod mapping;
mod memory;
mod ring;
mod system;

use memory::{Memory, Waiting};

fn main() -> anyhow::Result<()> {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    let waiting = args.first().and_then(|it| Waiting::named(it.to_str()?));
    let (Some(waiting), [_, path]) = (waiting, &args[..]) else {
        eprintln!("usage: echo-shm futex|eventfd|spin|yield PATH (of the socket that clients connect to)");
        process::exit(2);
    };
    // This thread and all that it starts block the signals, so that sigwait(3) below receives them.
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    match Memory::new(waiting) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            eprintln!("unsupported: {error}");
            process::exit(77);
        }
        made => drop(made.context("cannot make shared memory")?),
    }
    // Only the owner may connect.
    umask(Mode::from_bits_truncate(0o177));
    let listener =
        UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    // println! would panic if standard output is closed.
    let _ = writeln!(io::stdout(), "ready shm {}", path.display());
    thread::Builder::new().spawn(move || accept(waiting, &listener))?;
    termination.wait()?;
    let _ = fs::remove_file(path);
    Ok(())
}

fn accept(waiting: Waiting, listener: &UnixListener) -> ! {
    loop {
        let Ok((client, _)) = listener.accept() else {
            // Without a free descriptor (EMFILE) accept(2) fails again at once: wait for a client to leave.
            thread::park_timeout(Duration::from_millis(100));
            continue;
        };
        let acceptor = thread::current();
        // If the system refuses a thread, spawn drops the closure, and with it the connection.
        let _ = thread::Builder::new().spawn(move || {
            let _ = serve(waiting, &client);
            drop(client);
            acceptor.unpark();
        });
    }
}

/// Serves one client of the echo server over shared memory: passes the memory to it, and echoes until the client ends
/// its direction or hangs up.
fn serve(waiting: Waiting, client: &UnixStream) -> io::Result<()> {
    let memory = Memory::new(waiting)?;
    let rights = [ControlMessage::ScmRights(&memory.descriptors())];
    sendmsg::<()>(client.as_raw_fd(), &[IoSlice::new(b"m")], &rights, MsgFlags::empty(), None)?;
    thread::scope(|scope| {
        thread::Builder::new().spawn_scoped(scope, || {
            // The client sends nothing: this waits for end of file.
            let _ = (&mut &*client).read(&mut [0]);
            memory.hang_up();
        })?;
        memory.echo();
        client.shutdown(Shutdown::Both)
    })
}

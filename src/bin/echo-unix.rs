//! Echo over a Unix domain stream socket, one thread per client.
//!
//! A Unix domain socket (`unix(7)`) connects processes of one machine, and its address is a *name*
//! in the file system. Permissions on that name decide who may connect, and the name stays behind
//! when its server is killed. `bind(2)` refuses such a *stale* name as it does a live one, so the
//! next server asks first, with a datagram socket: its connect reaches whatever socket is bound
//! there, and never waits. (A stream's would wait where a backlog is full, or on the BSDs fail.)
//!
//! ```text
//! echospec check unix -- echo-unix {path}
//! ```

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, ErrorKind, Read, Write};
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, thread, time::Duration};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::{Mode, umask};

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let (Some(address), None) = (args.next().filter(|it| !it.is_empty()), args.next()) else {
        return complain(2, "usage: echo-unix PATH, or @NAME for an abstract name (Linux)");
    };
    match serve_until_terminated(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::Unsupported => complain(77, format!("unsupported: {error}")),
        Err(error) => {
            let hint = "give a short path that neither a file nor a running server holds";
            complain(1, format!("echo-unix: cannot listen on {}: {error}; {hint}", address.display()))
        }
    }
}

fn serve_until_terminated(address: &OsStr) -> io::Result<()> {
    // Blocked here and in every thread to come, the signals wait for sigwait(3) below.
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    let listener = listen(address)?;
    let inode = |name: &Path| fs::symlink_metadata(name).ok().map(|found| (found.dev(), found.ino()));
    let ours = listener.local_addr()?.as_pathname().and_then(inode);
    let ready = format!("ready unix {}\n", address.display());
    thread::Builder::new().spawn(move || {
        // Whoever started us may have closed its end; that is no reason to stop serving.
        let _ = io::stdout().write_all(ready.as_bytes());
        serve(&listener)
    })?;
    termination.wait()?;
    // The name goes too, unless another has put one of its own in its place.
    if ours.is_some() && ours == inode(address.as_ref()) { fs::remove_file(address) } else { Ok(()) }
}

fn serve(listener: &UnixListener) -> ! {
    loop {
        match listener.accept() {
            Ok((connection, _)) => {
                let acceptor = thread::current();
                // Where the system refuses a thread, the closure is dropped and the connection with
                // it: that client is turned away, the others stay.
                let _ = thread::Builder::new().spawn(move || {
                    let _ = echo(&connection);
                    drop(connection);
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

/// Sends back what comes, to the end. An error (a reset, say) ends this one connection.
fn echo(mut connection: &UnixStream) -> io::Result<()> {
    // io::copy would fetch 8 KiB at a time, and call the kernel eight times as often.
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match connection.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => connection.write_all(&buffer[..length])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn listen(address: &OsStr) -> io::Result<UnixListener> {
    let name = match address.as_bytes().strip_prefix(b"@") {
        // An abstract name lies in no directory and goes with its socket. It has no permissions.
        #[cfg(target_os = "linux")]
        Some(name) => SocketAddr::from_abstract_name(name)?,
        #[cfg(not(target_os = "linux"))]
        Some(_) => return Err(io::Error::new(ErrorKind::Unsupported, "only Linux has abstract names")),
        None => SocketAddr::from_pathname(address)?,
    };
    if name.as_pathname().is_some_and(is_stale) {
        fs::remove_file(address)?;
    }
    // With this mask the socket is its owner's alone from the moment it exists.
    umask(Mode::S_IXUSR | Mode::S_IRWXG | Mode::S_IRWXO);
    UnixListener::bind_addr(&name)
}

fn is_stale(name: &Path) -> bool {
    // An ordinary file, too, refuses to be connected to.
    let is_socket = fs::symlink_metadata(name).is_ok_and(|found| found.file_type().is_socket());
    let outcome = UnixDatagram::unbound().and_then(|probe| probe.connect(name));
    is_socket && outcome.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

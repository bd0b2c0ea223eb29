//! Echo by asking again and again: a server that never sleeps, over whatever it is told.
//!
//! To sleep and be woken costs more than to send and receive: microseconds where the processor has
//! gone idle. Who cannot afford them makes every descriptor non-blocking (`fcntl(2)`) and asks until
//! there is an answer. The price is a whole processor, burnt also while nothing comes; and where
//! there is only one, the other side must be let run (`sched_yield(2)`). It serves one client after
//! another: to ask many in turn would cost each of them.
//!
//! Not checked: `load/idle` would find just what it is for.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::process::ExitCode;
use std::{env, hint, sync::OnceLock, thread};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{MsgFlags, SockaddrStorage, recvfrom, sendto};
use nix::unistd::{read, write};

#[path = "spin/unix.rs"]
mod unix;

/// More than the largest datagram, and enough for a stream.
const BUFFER: usize = 256 * 1024;

/// Those that have an address.
const KINDS: [&str; 5] = ["tcp", "udp", "unix", "unix-dgram", "unix-seqpacket"];

const USAGE: &str = "usage: echo-spin stdio, or echo-spin tcp|udp|unix|unix-dgram|unix-seqpacket ADDRESS";

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    let words: Vec<&str> = args.iter().filter_map(|word| word.to_str()).collect();
    let (kind, address) = match words[..] {
        ["stdio"] => ("stdio", ""),
        [kind, address] if KINDS.contains(&kind) && !address.is_empty() => (kind, address),
        _ => return complain(2, USAGE),
    };
    match serve_until_terminated(kind, address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::Unsupported => complain(77, format!("unsupported: {error}")),
        Err(error) => {
            let hint = "give HOST:PORT of this machine, or a short path where nothing lies";
            complain(1, format!("echo-spin: cannot echo by {kind} {address}: {error}; {hint}"))
        }
    }
}

fn serve_until_terminated(kind: &str, address: &str) -> io::Result<()> {
    match kind {
        // Nothing is left to be removed: a signal may end it anywhere.
        "stdio" => Ok(echo(&io::stdin(), &io::stdout())?),
        "tcp" => {
            let listener = TcpListener::bind(address)?;
            ready(listener.local_addr()?);
            serve(|| {
                let (client, _) = listener.accept()?;
                client.set_nodelay(true)?;
                Ok(client)
            })
        }
        "udp" => {
            let socket = UdpSocket::bind(address)?;
            ready(socket.local_addr()?);
            answer(&socket)
        }
        _ => unix::serve_until_terminated(kind, address),
    }
}

fn ready(address: impl Display) {
    // Whoever started us may have closed its end; that is no reason to stop serving.
    let _ = writeln!(io::stdout(), "ready spin {address}");
}

/// Only the wait for the next client is asleep.
fn serve<Client: AsFd>(next: impl Fn() -> io::Result<Client>) -> io::Result<()> {
    loop {
        if let Ok(client) = next() {
            // A reset, say, is this client's end and not ours.
            let _ = echo(&client, &client);
        }
    }
}

fn echo(input: &impl AsFd, output: &impl AsFd) -> nix::Result<()> {
    never_block(input)?;
    never_block(output)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = insist(|| read(input, &mut buffer))?;
        if length == 0 {
            return Ok(());
        }
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            rest = &rest[insist(|| write(output, rest))?..];
        }
    }
}

fn answer(socket: &(impl AsFd + AsRawFd)) -> io::Result<()> {
    never_block(socket)?;
    let (fd, mut buffer) = (socket.as_raw_fd(), vec![0; BUFFER]);
    loop {
        let received = insist(|| recvfrom::<SockaddrStorage>(fd, &mut buffer));
        if let Ok((length, Some(client))) = received {
            let _ = insist(|| sendto(fd, &buffer[..length], &client, MsgFlags::empty()));
        }
    }
}

/// It belongs to the open file description, which whoever started us may share: it has wished for this.
fn never_block(descriptor: &impl AsFd) -> nix::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(descriptor, FcntlArg::F_GETFL)?);
    fcntl(descriptor, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).map(drop)
}

fn insist<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ENOBUFS) if is_alone() => thread::yield_now(),
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ENOBUFS) => hint::spin_loop(),
            answer => return answer,
        }
    }
}

/// Whether there is but one processor for us and the other side, whatever we are pinned to.
fn is_alone() -> bool {
    static ALONE: OnceLock<bool> = OnceLock::new();
    #[expect(unsafe_code, reason = "nix knows this name on Linux alone")]
    // SAFETY: it takes a number and gives one.
    *ALONE.get_or_init(|| unsafe { nix::libc::sysconf(nix::libc::_SC_NPROCESSORS_ONLN) == 1 })
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

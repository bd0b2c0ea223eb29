//! Echo by busy polling: this server never sleeps while it has a client.
//!
//! To sleep and be woken takes longer than to send and receive: microseconds if the processor has
//! gone idle. A program that cannot afford them makes its descriptors non-blocking (`fcntl(2)`) and
//! repeats each call until it succeeds. The price is a whole processor, even while nothing arrives.
//! On a machine with one processor the program must yield to the other side (`sched_yield(2)`). This
//! server serves one client after another: polling many in turn would delay each of them.
//!
//! Not checked: `load/idle` would fail, because of the very polling.

use std::fmt::Display;
use std::io::{self, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::{env, hint, process, sync::OnceLock, thread};

use anyhow::Context;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::sys::socket::{MsgFlags, SockaddrStorage, recvfrom, sendto};
use nix::unistd::{read, write};

mod unix;

/// The size of the receive buffer in bytes: more than the largest datagram.
const BUFFER: usize = 256 * 1024;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["stdio"] => echo(&io::stdin(), &io::stdout()).context("cannot echo standard input"),
        [kind @ ("tcp" | "udp" | "unix" | "unix-dgram" | "unix-seqpacket"), address] => {
            serve(kind, address).with_context(|| format!("cannot serve {kind} at {address}"))
        }
        _ => {
            eprintln!("usage: echo-spin stdio, or echo-spin tcp|udp|unix|unix-dgram|unix-seqpacket ADDRESS");
            process::exit(2)
        }
    }
}

fn serve(kind: &str, address: &str) -> anyhow::Result<()> {
    match kind {
        "tcp" => {
            let listener = TcpListener::bind(address)?;
            announce(listener.local_addr()?);
            echo_to_each(|| {
                let (client, _) = listener.accept()?;
                client.set_nodelay(true)?;
                Ok(client)
            })
        }
        "udp" => {
            let socket = UdpSocket::bind(address)?;
            announce(socket.local_addr()?);
            Ok(echo_datagrams(&socket)?)
        }
        _ => unix::serve_until_terminated(kind, address),
    }
}

fn announce(address: impl Display) {
    // println! would panic if standard output is closed.
    let _ = writeln!(io::stdout(), "ready spin {address}");
}

/// Serves one client after another without sleeping. Only the wait for the next client sleeps.
fn echo_to_each<Client: AsFd>(accept: impl Fn() -> io::Result<Client>) -> ! {
    loop {
        if let Ok(client) = accept() {
            // An error (a reset, say) ends this connection only.
            let _ = echo(&client, &client);
        }
    }
}

fn echo(input: &impl AsFd, output: &impl AsFd) -> nix::Result<()> {
    make_nonblocking(input)?;
    make_nonblocking(output)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = poll_busily(|| read(input, &mut buffer))?;
        if length == 0 {
            return Ok(());
        }
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            rest = &rest[poll_busily(|| write(output, rest))?..];
        }
    }
}

fn echo_datagrams(socket: &(impl AsFd + AsRawFd)) -> nix::Result<()> {
    make_nonblocking(socket)?;
    let (fd, mut buffer) = (socket.as_raw_fd(), vec![0; BUFFER]);
    loop {
        let received = poll_busily(|| recvfrom::<SockaddrStorage>(fd, &mut buffer));
        if let Ok((length, Some(client))) = received {
            let _ = poll_busily(|| sendto(fd, &buffer[..length], &client, MsgFlags::empty()));
        }
    }
}

/// Sets O_NONBLOCK on `descriptor`, also for other processes that share the open file description.
fn make_nonblocking(descriptor: &impl AsFd) -> nix::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(descriptor, FcntlArg::F_GETFL)?);
    fcntl(descriptor, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).map(drop)
}

/// Repeats the system call `call` until it neither would block nor is interrupted.
fn poll_busily<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ENOBUFS) if has_one_processor() => thread::yield_now(),
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ENOBUFS) => hint::spin_loop(),
            outcome => return outcome,
        }
    }
}

/// Whether the machine has only one processor, no matter where this process is pinned.
fn has_one_processor() -> bool {
    static ONE: OnceLock<bool> = OnceLock::new();
    #[expect(unsafe_code, reason = "nix has this constant on Linux only")]
    // SAFETY: it takes and returns numbers.
    *ONE.get_or_init(|| unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) == 1 })
}

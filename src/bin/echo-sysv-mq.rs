//! Echo over two System V message queues: clients send to that of `KEY` and receive from that of `KEY` + 1.
//!
//! These queues (`sysvipc(7)`) are older than POSIX's. Their name is a number on which server and
//! clients must agree. A queue exists until a process removes it: `ipcs -q` lists the queues that remain.
//! Each message has a *type*, a positive number, and a receiver may ask for one type only. So
//! many clients can share one queue, each with a number of its own. The echo has the type of its
//! message.
//!
//! ```text
//! echospec check sysv-mq -- echo-sysv-mq {addr}
//! ```

use std::{env, process};

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [key] = &args[..] else {
        eprintln!("usage: echo-sysv-mq KEY, a positive number, for instance 4711");
        process::exit(2);
    };
    serve_until_terminated(key).with_context(|| format!("cannot serve the queues of key {key}"))
}

#[cfg(target_os = "linux")]
use linux::serve_until_terminated;

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "nix has no System V message queues")]
mod linux {
    use std::io::{self, Write};
    use std::{process, ptr, thread};

    use anyhow::{Context, ensure};
    use nix::errno::Errno;
    use nix::libc::{self, c_int, c_long};
    use nix::sys::signal::{SigSet, Signal};

    /// The size of the receive buffer in bytes: more than `MSGMAX`, which is 8,192 by default.
    const LONGEST: usize = 64 * 1024;

    /// A message of a System V queue, for msgsnd(2) and msgrcv(2): its type, then its bytes.
    #[repr(C)]
    struct Message {
        kind: c_long,
        bytes: [u8; LONGEST],
    }

    pub fn serve_until_terminated(key: &str) -> anyhow::Result<()> {
        let key = key.parse().context("a key is a positive number")?;
        ensure!((1..i32::MAX).contains(&key), "a key is a positive number");
        // This thread and the next block the signals, so that sigwait(3) below receives them.
        let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
        termination.thread_block()?;
        let requests = make(key)?;
        let replies = make(key + 1).inspect_err(|_| remove(requests))?;
        // println! would panic if standard output is closed.
        let _ = writeln!(io::stdout(), "ready sysv-mq {key}");
        thread::Builder::new().spawn(move || echo(requests, replies))?;
        termination.wait()?;
        remove(requests);
        remove(replies);
        Ok(())
    }

    /// Makes a System V message queue that only the owner can use, or fails if it exists.
    fn make(key: i32) -> nix::Result<c_int> {
        // SAFETY: it takes and returns numbers.
        let made = Errno::result(unsafe { libc::msgget(key, libc::IPC_CREAT | libc::IPC_EXCL | 0o600) });
        if made == Err(Errno::ENOSYS) {
            eprintln!("unsupported: this kernel has no message queues");
            process::exit(77);
        }
        made
    }

    fn remove(queue: c_int) {
        // SAFETY: IPC_RMID accesses no memory of this process.
        unsafe { libc::msgctl(queue, libc::IPC_RMID, ptr::null_mut()) };
    }

    fn echo(requests: c_int, replies: c_int) -> nix::Result<()> {
        let mut message = Message { kind: 0, bytes: [0; LONGEST] };
        loop {
            // SAFETY: the message has room for a type and for LONGEST bytes.
            let length = unsafe { libc::msgrcv(requests, (&raw mut message).cast(), LONGEST, 0, 0) };
            let length = Errno::result(length)?.unsigned_abs();
            // SAFETY: the last call has written so many bytes.
            Errno::result(unsafe { libc::msgsnd(replies, (&raw const message).cast(), length, 0) })?;
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn serve_until_terminated(_key: &str) -> anyhow::Result<()> {
    eprintln!("unsupported: only Linux's System V message queues are supported");
    process::exit(77)
}

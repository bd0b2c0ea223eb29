//! Echo over two System V message queues: clients send to that of `KEY` and receive from that of `KEY` + 1.
//!
//! These queues (`sysvipc(7)`) are older than POSIX's. Their name is a number that all must agree
//! on, and they live until somebody removes them: `ipcs -q` shows what the dead have left. Each
//! message has a *type*, a positive number, and a receiver may ask for one type alone: so many
//! clients share one queue, each under a number of its own, and the echo has that of what it answers.
//!
//! ```text
//! echospec check sysv-mq -- echo-sysv-mq {addr}
//! ```

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::{env, thread};

use nix::sys::signal::{SigSet, Signal};

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let (Some(address), None) = (args.next(), args.next()) else {
        return complain(2, "usage: echo-sysv-mq KEY, for instance 4711");
    };
    match address.parse().map_err(io::Error::other).and_then(serve_until_terminated) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::Unsupported => complain(77, format!("unsupported: {error}")),
        Err(error) => {
            let hint = "give a positive number; neither it nor the next may be the key of a queue";
            complain(1, format!("echo-sysv-mq: cannot make the queues {address}: {error}; {hint}"))
        }
    }
}

fn serve_until_terminated(key: i32) -> io::Result<()> {
    // Blocked here and in every thread to come, the signals wait for sigwait(3) below.
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    let next = key.checked_add(1).filter(|_| key > 0).ok_or(ErrorKind::InvalidInput)?;
    let requests = queue::Queue::make(key)?;
    let replies = queue::Queue::make(next)?;
    thread::scope(|scope| {
        thread::Builder::new().spawn_scoped(scope, || {
            // Whoever started us may have closed its end; that is no reason to stop serving.
            let _ = io::stdout().write_all(format!("ready sysv-mq {key}\n").as_bytes());
            // Once the queues have been removed, there is nothing left to serve.
            let _ = queue::echo(&requests, &replies);
        })?;
        termination.wait()?;
        requests.remove();
        replies.remove();
        Ok(())
    })
}

#[cfg(target_os = "linux")]
mod queue {
    use std::io;

    use nix::errno::Errno;
    use nix::libc::{self, c_int, c_long};

    /// It goes with this value.
    pub struct Queue(c_int);

    /// What msgsnd(2) and msgrcv(2) take: the type, and then the bytes. 8,192 is `MSGMAX` unless set otherwise.
    #[repr(C)]
    struct Message {
        kind: c_long,
        bytes: [u8; 65_536],
    }

    impl Queue {
        pub fn make(key: i32) -> io::Result<Queue> {
            let flags = libc::IPC_CREAT | libc::IPC_EXCL | 0o600;
            #[expect(unsafe_code, reason = "msgget(2)")]
            // SAFETY: it takes numbers and gives one.
            let made = Errno::result(unsafe { libc::msgget(key, flags) });
            made.map(Queue).map_err(|errno| match errno {
                Errno::ENOSYS => {
                    io::Error::new(io::ErrorKind::Unsupported, "this kernel has no message queues")
                }
                _ => errno.into(),
            })
        }

        /// Whoever waits for a message wakes, with EIDRM.
        pub fn remove(&self) {
            #[expect(unsafe_code, reason = "msgctl(2)")]
            // SAFETY: IPC_RMID reads and writes no memory of ours.
            unsafe {
                libc::msgctl(self.0, libc::IPC_RMID, std::ptr::null_mut());
            }
        }
    }

    impl Drop for Queue {
        fn drop(&mut self) {
            self.remove();
        }
    }

    pub fn echo(requests: &Queue, replies: &Queue) -> nix::Result<()> {
        let mut message = Message { kind: 0, bytes: [0; 65_536] };
        loop {
            #[expect(unsafe_code, reason = "msgrcv(2)")]
            // SAFETY: the message has room for a type, and for as many bytes as are asked for.
            let length = unsafe { libc::msgrcv(requests.0, (&raw mut message).cast(), 65_536, 0, 0) };
            let length = Errno::result(length)?.unsigned_abs();
            #[expect(unsafe_code, reason = "msgsnd(2)")]
            // SAFETY: so many bytes of it have just been received.
            Errno::result(unsafe { libc::msgsnd(replies.0, (&raw const message).cast(), length, 0) })?;
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod queue {
    use std::io;

    pub struct Queue;

    impl Queue {
        pub fn make(_key: i32) -> io::Result<Queue> {
            let reason = "only Linux's System V message queues are spoken";
            Err(io::Error::new(io::ErrorKind::Unsupported, reason))
        }

        pub fn remove(&self) {}
    }

    pub fn echo(_requests: &Queue, _replies: &Queue) -> nix::Result<()> {
        Ok(())
    }
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

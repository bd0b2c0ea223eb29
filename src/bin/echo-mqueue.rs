//! Echo over two POSIX message queues: clients send to `/NAME.in` and receive from `/NAME.out`.
//!
//! A message queue (`mq_overview(7)`) has a name, but not in a directory of the file system, and
//! lives until it is unlinked, whoever has died. It keeps boundaries, and holds a few messages (4
//! here) of a few bytes (4,096): whoever sends to a full one waits. Each message has a
//! *priority*, and the highest comes first; the echo has that of what it answers. Nothing says who
//! sent a message, or that a sender has gone: so clients come one after another, and each takes all
//! of its echoes before it leaves.
//!
//! ```text
//! echospec check mqueue -- echo-mqueue {addr}
//! ```

use std::env;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
#[cfg(target_os = "linux")]
use std::thread;

#[cfg(target_os = "linux")]
use nix::mqueue::{MQ_OFlag, MqAttr, MqdT, mq_getattr, mq_open, mq_receive, mq_send, mq_unlink};
#[cfg(target_os = "linux")]
use nix::sys::signal::{SigSet, Signal};
#[cfg(target_os = "linux")]
use nix::sys::stat::Mode;

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let (Some(name), None) = (args.next().filter(|it| !it.is_empty()), args.next()) else {
        return complain(2, "usage: echo-mqueue /NAME");
    };
    match serve_until_terminated(&name) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::Unsupported => complain(77, format!("unsupported: {error}")),
        Err(error) => {
            let hint = "give a name that begins with a slash, has no other, and belongs to no queue";
            complain(1, format!("echo-mqueue: cannot make the queues {name}: {error}; {hint}"))
        }
    }
}

#[cfg(target_os = "linux")]
fn serve_until_terminated(name: &str) -> io::Result<()> {
    // Blocked here and in every thread to come, the signals wait for sigwait(3) below.
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    let (inward, outward) = (format!("{name}.in"), format!("{name}.out"));
    let requests = make(&inward, MQ_OFlag::O_RDONLY)?;
    let served = make(&outward, MQ_OFlag::O_WRONLY).and_then(|replies| {
        let ready = format!("ready mqueue {name}\n");
        thread::Builder::new().spawn(move || {
            // Whoever started us may have closed its end; that is no reason to stop serving.
            let _ = io::stdout().write_all(ready.as_bytes());
            serve(&requests, &replies)
        })?;
        termination.wait()?;
        mq_unlink(outward.as_str())?;
        Ok(())
    });
    mq_unlink(inward.as_str())?;
    served
}

/// For its owner alone. Linux by default allows 10 messages of 8,192 bytes each, but 800 KiB for all
/// queues of a user (`RLIMIT_MSGQUEUE`): who asks for less leaves others some.
#[cfg(target_os = "linux")]
fn make(name: &str, way: MQ_OFlag) -> io::Result<MqdT> {
    let flags = way | MQ_OFlag::O_CREAT | MQ_OFlag::O_EXCL | MQ_OFlag::O_CLOEXEC;
    let size = MqAttr::new(0, 4, 4096, 0);
    mq_open(name, flags, Mode::S_IRUSR | Mode::S_IWUSR, Some(&size)).map_err(|errno| match errno {
        nix::errno::Errno::ENOSYS => {
            io::Error::new(ErrorKind::Unsupported, "this kernel has no message queues")
        }
        _ => errno.into(),
    })
}

#[cfg(target_os = "linux")]
fn serve(requests: &MqdT, replies: &MqdT) -> nix::Result<()> {
    // mq_receive(3) wants room for the longest message that the queue may hold, whatever comes.
    let longest = mq_getattr(requests)?.msgsize();
    let mut message = vec![0; usize::try_from(longest).unwrap_or_default()];
    let mut priority = 0;
    loop {
        let length = mq_receive(requests, &mut message, &mut priority)?;
        mq_send(replies, &message[..length], priority)?;
    }
}

#[cfg(not(target_os = "linux"))]
fn serve_until_terminated(_name: &str) -> io::Result<()> {
    Err(io::Error::new(
        ErrorKind::Unsupported,
        "this system has no POSIX message queues, or only as an option",
    ))
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

//! Echo over two POSIX message queues: clients send to `/NAME.in` and receive from `/NAME.out`.
//!
//! A message queue (`mq_overview(7)`) has a name, but not in a directory of the file system. It
//! exists until a process unlinks it, even if its users have exited. It keeps the boundaries of
//! messages. These queues hold 4 messages of up to 4,096 bytes; the sender to a full queue waits.
//! Each message has a *priority*, and the queue delivers the highest first; the echo has the
//! priority of its message. A queue does not tell who sent a message, or that a sender has exited:
//! so clients come one after another, and each receives all its echoes before it leaves.
//!
//! ```text
//! echospec check mqueue -- echo-mqueue {addr}
//! ```

use std::{env, process};

use anyhow::Context;
#[cfg(target_os = "linux")]
use nix::{
    errno::Errno,
    mqueue::{MQ_OFlag, MqAttr, MqdT, mq_getattr, mq_open, mq_receive, mq_send, mq_unlink},
    sys::signal::{SigSet, Signal},
    sys::stat::Mode,
};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [name] = &args[..] else {
        eprintln!("usage: echo-mqueue /NAME (it makes the queues /NAME.in and /NAME.out)");
        process::exit(2);
    };
    serve_until_terminated(name).with_context(|| format!("cannot serve {name}"))
}

#[cfg(target_os = "linux")]
fn serve_until_terminated(name: &str) -> anyhow::Result<()> {
    use std::io::{self, Write};

    let [inward, outward] = [format!("{name}.in"), format!("{name}.out")];
    // This thread and the next block the signals, so that sigwait(3) below receives them.
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    let requests = make(&inward, MQ_OFlag::O_RDONLY)?;
    let replies = make(&outward, MQ_OFlag::O_WRONLY).inspect_err(|_| {
        let _ = mq_unlink(&*inward);
    })?;
    // println! would panic if standard output is closed.
    let _ = writeln!(io::stdout(), "ready mqueue {name}");
    std::thread::Builder::new().spawn(move || echo(&requests, &replies))?;
    termination.wait()?;
    mq_unlink(&*inward)?;
    mq_unlink(&*outward)?;
    Ok(())
}

/// Makes a POSIX message queue that only the owner can open. Linux by default allows 10 messages of 8,192 bytes, but
/// only 800 KiB for all queues of a user (`RLIMIT_MSGQUEUE`): small queues leave room for others.
#[cfg(target_os = "linux")]
fn make(name: &str, access: MQ_OFlag) -> anyhow::Result<MqdT> {
    let flags = access | MQ_OFlag::O_CREAT | MQ_OFlag::O_EXCL | MQ_OFlag::O_CLOEXEC;
    let made = mq_open(name, flags, Mode::from_bits_truncate(0o600), Some(&MqAttr::new(0, 4, 4096, 0)));
    if let Err(Errno::ENOSYS) = made {
        eprintln!("unsupported: this kernel has no message queues");
        process::exit(77);
    }
    made.with_context(|| format!("cannot make the queue {name}; a name needs a slash at its start only"))
}

#[cfg(target_os = "linux")]
fn echo(requests: &MqdT, replies: &MqdT) -> nix::Result<()> {
    // mq_receive(3) fails if the buffer is smaller than the longest message of the queue.
    let longest = mq_getattr(requests)?.msgsize();
    let mut message = vec![0; usize::try_from(longest).unwrap_or_default()];
    let mut priority = 0;
    loop {
        let length = mq_receive(requests, &mut message, &mut priority)?;
        mq_send(replies, &message[..length], priority)?;
    }
}

#[cfg(not(target_os = "linux"))]
fn serve_until_terminated(_name: &str) -> anyhow::Result<()> {
    eprintln!("unsupported: this system has no POSIX message queues, or only as an option");
    process::exit(77)
}

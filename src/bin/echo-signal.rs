//! Echo by signals: a message of up to 8 bytes is a real-time signal, queued by `sigqueue(3)`.
//!
//! The kernel queues *real-time* signals (`signal(7)`), instead of merging pending ones.
//! Each tells its sender and carries a value as large as a pointer. Its number, counted from
//! `SIGRTMIN`, is the length of the message. Longer messages cannot be split over several signals,
//! because signals with different numbers arrive in order of their numbers. There is no signal
//! handler: the signals are blocked, and `sigwaitinfo(2)` returns one after another. A client
//! needs the server's process number, so the server writes it to a file, as daemons do.
//!
//! Not checked: every check needs more than 8 bytes. `echospec compare signal --sizes 8` verifies them.

use std::{env, process};

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let [path] = &args[..] else {
        eprintln!("usage: echo-signal PATH (it writes its process number there)");
        process::exit(2);
    };
    serve_until_terminated(path.as_ref()).with_context(|| format!("cannot serve at {}", path.display()))
}

#[cfg(target_os = "linux")]
use linux::serve_until_terminated;

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "nix has no real-time signals")]
mod linux {
    use std::fs::{self, File};
    use std::io::{self, Write};
    use std::mem::MaybeUninit;
    use std::path::Path;
    use std::{process, ptr};

    use nix::errno::Errno;
    use nix::libc;
    use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};

    pub fn serve_until_terminated(path: &Path) -> anyhow::Result<()> {
        // Before a client can know the process number: by default a real-time signal kills a process.
        let signals = block_signals()?;
        let mut file = File::create_new(path)?;
        // One write(2), so that a client that sees the newline has the whole number.
        let written = file.write_all(format!("{}\n", process::id()).as_bytes());
        // println! would panic if standard output is closed.
        let _ = writeln!(io::stdout(), "ready signal {}", path.display());
        let ended = written.and_then(|()| Ok(echo(&signals)?));
        fs::remove_file(path)?;
        Ok(ended?)
    }

    /// Returns the realtime signals that carry messages: from that of an empty message to that of a message as long
    /// as a pointer.
    fn messages() -> std::ops::RangeInclusive<i32> {
        libc::SIGRTMIN()..=libc::SIGRTMIN() + size_of::<usize>() as i32
    }

    /// Blocks SIGTERM, SIGINT, and all signals that carry messages.
    fn block_signals() -> nix::Result<SigSet> {
        let mut set = *SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]).as_ref();
        for number in messages() {
            // SAFETY: the set is initialised, and these are numbers of signals.
            Errno::result(unsafe { libc::sigaddset(&raw mut set, number) })?;
        }
        // SAFETY: the set is initialised. nix passes on the signals that it does not know.
        let set = unsafe { SigSet::from_sigset_t_unchecked(set) };
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&set), None)?;
        Ok(set)
    }

    /// Sends back each message, which arrives as a signal, until SIGTERM or SIGINT.
    fn echo(signals: &SigSet) -> nix::Result<()> {
        let mut info = MaybeUninit::<libc::siginfo_t>::uninit();
        loop {
            // SAFETY: both point to what the call takes, and it fills in the second.
            let number = unsafe { libc::sigwaitinfo(ptr::from_ref(signals.as_ref()), info.as_mut_ptr()) };
            match Errno::result(number) {
                Err(Errno::EINTR) => continue,
                Ok(number) if !messages().contains(&number) => return Ok(()),
                received => received?,
            };
            // SAFETY: the call has filled it in, and SI_QUEUE says that it has a sender and a value.
            unsafe {
                let info = info.assume_init_ref();
                // If the sender has gone, or its queue is full, the echo is lost.
                if info.si_code == libc::SI_QUEUE {
                    libc::sigqueue(info.si_pid(), number, info.si_value());
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn serve_until_terminated(_path: &std::path::Path) -> anyhow::Result<()> {
    eprintln!("unsupported: this system's sigqueue(3) is not known to carry a value");
    process::exit(77)
}

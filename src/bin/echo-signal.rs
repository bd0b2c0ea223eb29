//! Echo by signals: a message of up to 8 bytes is a real-time signal, queued by `sigqueue(3)`.
//!
//! A *real-time* signal (`signal(7)`) is queued, not merged with one that is already pending, tells
//! who sent it, and carries a value as large as a pointer. The number of the signal, counted from
//! `SIGRTMIN`, is the length; a longer message has no place and no way to be split, since signals of
//! unlike numbers come in the order of the numbers. Nobody runs in a handler here: the signals are
//! blocked, and `sigwaitinfo(2)` takes one after another. A signal goes to a process by its number,
//! so that lies in a file, as daemons have always done it.
//!
//! Not checked: no check makes do with 8 bytes. `echospec compare signal --sizes 8` verifies them.

use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::process::{self, ExitCode};
use std::{env, path::Path};

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let (Some(path), None) = (args.next().filter(|it| !it.is_empty()), args.next()) else {
        return complain(2, "usage: echo-signal PATH (it writes its process number there)");
    };
    match serve_until_terminated(&path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::Unsupported => complain(77, format!("unsupported: {error}")),
        Err(error) => {
            let hint = "give a path where nothing lies";
            complain(1, format!("echo-signal: cannot serve at {}: {error}; {hint}", path.display()))
        }
    }
}

fn serve_until_terminated(path: &OsStr) -> io::Result<()> {
    // Before anybody can know our number: an unexpected real-time signal ends a process.
    let signals = signals::block()?;
    let number = NumberFile::write(path.as_ref())?;
    // Whoever started us may have closed its end; that is no reason to stop serving.
    let _ = writeln!(io::stdout(), "ready signal {}", path.display());
    let ended = signals::echo(&signals);
    drop(number);
    ended
}

/// It goes when we go.
struct NumberFile<'a>(&'a Path);

impl NumberFile<'_> {
    fn write(path: &Path) -> io::Result<NumberFile<'_>> {
        let mut file = File::create_new(path)?;
        let kept = NumberFile(path);
        // In one write(2): whoever sees the line's end has all of it.
        file.write_all(format!("{}\n", process::id()).as_bytes())?;
        Ok(kept)
    }
}

impl Drop for NumberFile<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.0);
    }
}

#[cfg(target_os = "linux")]
mod signals {
    use std::mem::MaybeUninit;
    use std::{io, ptr};

    use nix::errno::Errno;
    use nix::libc;
    use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};

    /// Lengths from 0 to those of a pointer.
    fn numbers() -> std::ops::RangeInclusive<i32> {
        libc::SIGRTMIN()..=libc::SIGRTMIN() + size_of::<usize>() as i32
    }

    /// Blocks the signals that are messages, and those that end us.
    pub fn block() -> io::Result<SigSet> {
        let mut set = *SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]).as_ref();
        for number in numbers() {
            #[expect(unsafe_code, reason = "nix's sets have no real-time signals")]
            // SAFETY: the set has been initialised, and these are numbers of signals.
            Errno::result(unsafe { libc::sigaddset(&raw mut set, number) })?;
        }
        #[expect(unsafe_code, reason = "nix's sets have no real-time signals")]
        // SAFETY: the set is initialised. What it holds beyond nix's signals, nix passes on.
        let set = unsafe { SigSet::from_sigset_t_unchecked(set) };
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&set), None)?;
        Ok(set)
    }

    /// Sends back what comes, until SIGTERM or SIGINT.
    pub fn echo(set: &SigSet) -> io::Result<()> {
        let mut info = MaybeUninit::<libc::siginfo_t>::uninit();
        loop {
            #[expect(unsafe_code, reason = "sigwaitinfo(2)")]
            // SAFETY: both point to what the call takes, and it fills in the second.
            let number = unsafe { libc::sigwaitinfo(ptr::from_ref(set.as_ref()), info.as_mut_ptr()) };
            match Errno::result(number) {
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
                Ok(number) if !numbers().contains(&number) => return Ok(()),
                Ok(_) => {}
            }
            #[expect(unsafe_code, reason = "the union of siginfo_t")]
            // SAFETY: the call has filled it in; of a signal sent by a process these members are set.
            unsafe {
                let info = info.assume_init_ref();
                // kill(2) brings no value. A sender that has gone, or whose queue is full, loses it.
                if info.si_code == libc::SI_QUEUE {
                    libc::sigqueue(info.si_pid(), number, info.si_value());
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod signals {
    use std::io;

    pub struct Signals;

    pub fn block() -> io::Result<Signals> {
        let reason = "this system's signals carry no payload that is known to work (sigqueue)";
        Err(io::Error::new(io::ErrorKind::Unsupported, reason))
    }

    pub fn echo(_signals: &Signals) -> io::Result<()> {
        Ok(())
    }
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}

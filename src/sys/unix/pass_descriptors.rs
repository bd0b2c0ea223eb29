//! Passing descriptors to a child at fixed numbers.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// Passes `descriptors` to the child of `command` as the numbers from `first` on.
///
/// Dropping `command` closes them here.
///
/// # Errors
/// Those of `fcntl(2)`, such as `EMFILE`.
#[expect(unsafe_code, reason = "the child has its own descriptor table only between fork and exec")]
pub fn pass_descriptors(command: &mut Command, first: RawFd, descriptors: Vec<OwnedFd>) -> io::Result<()> {
    let end = first + i32::try_from(descriptors.len()).map_err(io::Error::other)?;
    // Each source gets a number behind the targets, because dup2(2) would replace a source that has a target's number.
    let sources: Vec<_> =
        descriptors.iter().map(|source| duplicate_from(source.as_fd(), end)).collect::<io::Result<_>>()?;
    drop(descriptors);
    // `Command` opens a pipe for the error of a failed exec. The targets are in use until the child has forked, so
    // that the pipe gets none of their numbers.
    let taken = take_numbers_below(end)?;
    let place = move || {
        let _ = &taken;
        for (source, target) in sources.iter().zip(first..) {
            // SAFETY: no value in the child owns the target, and the child executes another program next.
            if unsafe { libc::dup2(source.as_raw_fd(), target) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: the closure makes system calls and allocates nothing, so it is async-signal-safe.
    unsafe { command.pre_exec(place) };
    Ok(())
}

/// Duplicates `descriptor` at the lowest free number that is at least `lowest`.
#[expect(unsafe_code, reason = "F_DUPFD_CLOEXEC returns a number")]
fn duplicate_from(descriptor: BorrowedFd<'_>, lowest: RawFd) -> io::Result<OwnedFd> {
    let number = fcntl(descriptor, FcntlArg::F_DUPFD_CLOEXEC(lowest))?;
    // SAFETY: fcntl(2) has just opened the descriptor, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Opens descriptors until all descriptor numbers below `end` are in use.
fn take_numbers_below(end: RawFd) -> io::Result<Vec<OwnedFd>> {
    let mut taken = Vec::new();
    loop {
        let descriptor = OwnedFd::from(File::open("/dev/null")?);
        if descriptor.as_raw_fd() >= end {
            return Ok(taken);
        }
        taken.push(descriptor);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn child_gets_descriptors_at_their_numbers() {
        let pipes = [(); 3].map(|()| os_pipe::pipe().unwrap());
        let mut readers = Vec::new();
        let mut writers = Vec::new();
        for (reader, mut writer) in pipes {
            writer.write_all(format!("{} ", readers.len()).as_bytes()).unwrap();
            readers.push(OwnedFd::from(reader));
            writers.push(writer);
        }
        drop(writers);
        let (mut output, theirs) = os_pipe::pipe().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "cat <&5; cat <&4; cat <&3"]).stdout(theirs);
        pass_descriptors(&mut command, 3, readers).unwrap();
        let mut child = command.spawn().unwrap();
        drop(command);
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(text, "2 1 0 ");
    }

    #[test]
    fn missing_program_is_reported() {
        let mut command = Command::new("./no-such-program");
        let descriptor = OwnedFd::from(File::open("/dev/null").unwrap());
        pass_descriptors(&mut command, 3, vec![descriptor]).unwrap();
        assert_eq!(command.spawn().unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}

//! What a server meets when it starts, where a check wants something other than the usual.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;
use nix::unistd::write;
use os_pipe::PipeWriter;

use super::output::Output;
use crate::sys::{self, Inheritance};

/// The circumstances of a start; the default is what every check gets that says nothing else.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// The most descriptors it may have open, soft and hard limit: `RLIMIT_NOFILE`.
    pub descriptor_limit: Option<u32>,
    /// Signals that it finds ignored, as a child of nohup(1) or of a careless launcher does.
    pub ignored: &'static [Signal],
    /// Signals that it finds blocked.
    pub blocked: &'static [Signal],
    /// Its descriptors 0, 1 and 2, where the transport does not speak through them.
    pub stdio: [Standard; 3],
    /// Environment variables that it does not find.
    pub unset: &'static [&'static str],
    /// Where it puts what it needs for a while, `TMPDIR`: a directory of its own that goes with it, if nothing is said.
    pub temporary: Option<PathBuf>,
    /// How listening sockets are passed, to a server that takes them.
    pub passing: Passing,
}

/// What a server finds as one of its standard descriptors.
#[derive(Debug, Clone, Default)]
pub enum Standard {
    /// A pipe in which nothing comes, as from a terminal where nobody types, or a pipe that the harness drains.
    #[default]
    Usual,
    /// Nothing: the number is free, and the next descriptor opened gets it.
    Closed,
    /// This.
    Lent(Arc<OwnedFd>),
}

/// Images of containers set it, and with it a Python server does not buffer that would elsewhere. Who wants it puts it
/// into the server's command, with env(1).
const HIDES_BUFFERING: [&str; 1] = ["PYTHONUNBUFFERED"];

/// How listening sockets are passed. sd_listen_fds(3).
#[derive(Debug, Clone, Copy, Default)]
pub struct Passing {
    /// A second listener follows as descriptor 4, at an address of its own.
    pub second: bool,
    /// `LISTEN_PID` names another process: the sockets are not meant for this one.
    pub to_another: bool,
    /// The listener has `O_NONBLOCK` set.
    pub nonblocking: bool,
}

impl Standard {
    /// Lends `descriptor` to the server.
    pub fn lend(descriptor: impl Into<OwnedFd>) -> Standard {
        Standard::Lent(Arc::new(descriptor.into()))
    }

    fn lent(&self) -> io::Result<Option<OwnedFd>> {
        let Standard::Lent(descriptor) = self else { return Ok(None) };
        descriptor.try_clone().map(Some)
    }
}

/// A pipe with no room left: whoever writes into it waits until the read end is read. Its capacity is found by
/// filling it, since systems differ (pipe(7)).
///
/// # Errors
/// Those of `pipe(2)` and `fcntl(2)`.
pub fn full_pipe() -> io::Result<(os_pipe::PipeReader, PipeWriter)> {
    let (reader, writer) = os_pipe::pipe()?;
    let blocking = OFlag::from_bits_retain(fcntl(&writer, FcntlArg::F_GETFL)?);
    fcntl(&writer, FcntlArg::F_SETFL(blocking | OFlag::O_NONBLOCK))?;
    for piece in [4096, 1] {
        while write(&writer, &vec![b'.'; piece]).is_ok() {}
    }
    fcntl(&writer, FcntlArg::F_SETFL(blocking))?;
    Ok((reader, writer))
}

impl Conditions {
    /// Has `command` start under these conditions; what it prints goes to `output` unless it is lent another
    /// place to print. `given` comes first: the conversation itself, where it goes through these descriptors.
    /// For as long as the answer is held, its standard input does not end.
    pub(super) fn impose(
        &self,
        command: &mut Command,
        given: [Option<OwnedFd>; 3],
        output: &Output,
    ) -> io::Result<Option<PipeWriter>> {
        let [input, printed, complaints] = given;
        let [zero, one, two] = &self.stdio;
        let closed: Vec<i32> = [(&input, zero), (&printed, one), (&complaints, two)]
            .into_iter()
            .zip(0..)
            .filter(|((given, standard), _)| given.is_none() && matches!(standard, Standard::Closed))
            .map(|(_, number)| number)
            .collect();
        let held = source(command, input, zero)?;
        command.stdout(place(printed, one, output)?);
        command.stderr(place(complaints, two, output)?);
        for name in self.unset.iter().chain(&HIDES_BUFFERING) {
            command.env_remove(name);
        }
        command.envs(self.temporary.iter().map(|directory| ("TMPDIR", directory)));
        sys::set_child_attributes(
            command,
            Inheritance {
                descriptor_limit: self.descriptor_limit.map(Into::into),
                ignored: self.ignored,
                blocked: self.blocked,
                closed,
            },
        );
        Ok(held)
    }
}

/// Where the input comes from.
fn source(
    command: &mut Command,
    given: Option<OwnedFd>,
    standard: &Standard,
) -> io::Result<Option<PipeWriter>> {
    if let Some(given) = given.map_or_else(|| standard.lent(), |it| Ok(Some(it)))? {
        command.stdin(given);
        return Ok(None);
    }
    if matches!(standard, Standard::Closed) {
        command.stdin(Stdio::null());
        return Ok(None);
    }
    let (silent, held) = os_pipe::pipe()?;
    command.stdin(silent);
    Ok(Some(held))
}

/// Where one of the two outputs goes.
fn place(given: Option<OwnedFd>, standard: &Standard, output: &Output) -> io::Result<Stdio> {
    if let Some(given) = given.map_or_else(|| standard.lent(), |it| Ok(Some(it)))? {
        return Ok(given.into());
    }
    if matches!(standard, Standard::Closed) {
        return Ok(Stdio::null());
    }
    let (reader, writer) = os_pipe::pipe()?;
    output.drain(reader.into());
    Ok(OwnedFd::from(writer).into())
}

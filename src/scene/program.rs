//! Programs of a scene beside the server: their process, and the pipes or the terminal to their standard streams.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;

use nix::sys::termios::{LocalFlags, OutputFlags, SetArg, tcgetattr, tcsetattr};

use super::header::ProgramLine;
use super::text::fill_names;
use crate::check::{self, Finding, OrFinding};
use crate::deadline::Deadlines;
use crate::server::{Instance, LaunchError, describe_exit, describe_state};
use crate::sys;
use crate::transport::{Client, Link, pipe_pair};

/// A program that the head of a scene names.
#[derive(Debug)]
pub(super) struct Program {
    line: ProgramLine,
    /// The process that was started last, and the deadlines of its scene.
    process: Option<(Instance, Deadlines)>,
}

impl Program {
    pub fn new(line: ProgramLine) -> Program {
        Program { line, process: None }
    }

    /// Starts the program, with the bytes of `known` in the place of names in its command. Returns a client whose link
    /// is the program's standard input and output. A process that was started before is ended.
    pub fn start(
        &mut self,
        known: &BTreeMap<String, Vec<u8>>,
        deadlines: Deadlines,
    ) -> check::Result<Client> {
        self.process = None;
        let ends = if self.line.on_terminal { terminal() } else { pipes() };
        let (link, streams) = ends.or_broken("standard streams for a program")?;
        let words = self.line.command.iter().map(|word| OsString::from_vec(fill_names(word, known)));
        let process = Instance::start(words, streams).map_err(|error| match error {
            LaunchError::Interrupted => Finding::interrupted(),
            error => Finding::broken(format!("the program `{}` started", self.line.name), error.to_string()),
        })?;
        self.process = Some((process, deadlines));
        Ok(Client::over_stream(link, deadlines).receiving_anything())
    }

    /// Returns the process that was started last.
    pub fn process(&mut self) -> check::Result<&mut Instance> {
        let process = self.process.as_mut().map(|(process, _)| process);
        process.ok_or_else(|| Finding::broken("a running program", "it was not started"))
    }

    /// Describes the process and the last lines of its standard error, if it was started.
    pub fn describe(&mut self) -> Vec<String> {
        let name = &self.line.name;
        let Some((process, deadlines)) = &mut self.process else { return Vec::new() };
        let state = match process.ended() {
            Some(status) => {
                // Its last lines may be unread still.
                process.output().wait_closed(deadlines.reply());
                format!("has ended: {}", describe_exit(status))
            }
            None => process
                .processes()
                .unwrap_or_default()
                .first()
                .map_or("is alive".into(), |first| format!("is {}", describe_state(first))),
        };
        let printed = process.output().last_lines(3).into_iter().map(|line| format!("{name} prints: {line}"));
        std::iter::once(format!("{name}: {} {state}", process.pid())).chain(printed).collect()
    }
}

/// The harness's end of the standard streams of a program, and the program's ends.
type Streams = (Link, [Option<OwnedFd>; 3]);

/// Makes pipes for standard input and output. Standard error is drained.
fn pipes() -> io::Result<Streams> {
    let (link, input, output) = pipe_pair()?;
    Ok((link, [Some(input), Some(output), None]))
}

/// Makes a terminal that echoes nothing and does not change what the program prints. It passes on whole lines of input,
/// as a terminal does at first.
fn terminal() -> io::Result<Streams> {
    let (ours, theirs) = sys::open_pseudo_terminal()?;
    let mut modes = tcgetattr(&theirs)?;
    modes.local_flags.remove(LocalFlags::ECHO | LocalFlags::ECHONL);
    modes.output_flags.remove(OutputFlags::OPOST);
    tcsetattr(&theirs, SetArg::TCSANOW, &modes)?;
    let link = Link::pipes(File::from(ours.try_clone()?), File::from(ours))?;
    Ok((link, [Some(theirs.try_clone()?), Some(theirs.try_clone()?), Some(theirs)]))
}

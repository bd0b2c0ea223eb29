//! A process that does one job for the harness: it reads a job on its standard input and answers in lines on its standard output.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::Signal;
use nix::unistd::read;

use super::{GivenDescriptors, Instance, Invocation};
use crate::check::Finding;
use crate::deadline::{WaitOutcome, wait};
use crate::server::{LaunchError, LaunchOptions};

/// A running helper process that does one job. Like a server, it is killed with its descendants when the value is
/// dropped.
#[derive(Debug)]
pub struct JobProcess {
    instance: Instance,
    answers: OwnedFd,
    /// The write end of the job's standard input: the process reads end of file once it is closed.
    _input: OwnedFd,
    /// Bytes that the job has printed and that do not yet make a whole line.
    rest: Vec<u8>,
}

/// The result of [`JobProcess::read_line`]: a line, or the reason why there is none.
#[derive(Debug, PartialEq, Eq)]
pub enum JobOutput {
    /// The job printed this line, shown here without its newline.
    Line(String),
    /// The job's standard output is at end of file.
    End,
    /// The time limit passed before the job printed a line.
    Elapsed,
}

impl JobProcess {
    /// Launches `program` with `arguments`, writes `job` as one line to its standard input, and passes `ends` as its
    /// descriptors 3, 4, …. Its standard input ends when the returned value is dropped.
    ///
    /// The job must fit into a pipe, 64 KiB: no process reads it while it is written.
    ///
    /// # Errors
    /// [`LaunchError`] where the program cannot be executed.
    pub fn launch(
        program: &Path,
        arguments: &[&str],
        job: &[u8],
        ends: Vec<OwnedFd>,
    ) -> Result<JobProcess, LaunchError> {
        let (input, mut jobs) = os_pipe::pipe().map_err(LaunchError::Harness)?;
        let (answers, output) = os_pipe::pipe().map_err(LaunchError::Harness)?;
        jobs.write_all(&[job, b"\n"].concat()).map_err(LaunchError::Harness)?;
        let answers = OwnedFd::from(answers);
        fcntl(&answers, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))
            .map_err(|error| LaunchError::Harness(error.into()))?;
        let given = GivenDescriptors { extra: ends, ..GivenDescriptors::pipes(input.into(), output.into()) };
        let arguments = arguments.iter().map(OsString::from).collect();
        let invocation = Invocation {
            program: program.as_os_str().to_owned(),
            arguments,
            environment: Vec::new(),
            stop: Signal::SIGTERM,
        };
        let instance = Instance::launch(invocation, given, &LaunchOptions::default())?;
        Ok(JobProcess { instance, answers, _input: jobs.into(), rest: Vec::new() })
    }

    /// Waits at most `limit` for the next line that the job prints.
    ///
    /// # Errors
    /// Only when interrupted, or where the pipe itself fails.
    pub fn read_line(&mut self, limit: Duration) -> Result<JobOutput, Finding> {
        loop {
            if let Some(end) = self.rest.iter().position(|&byte| byte == b'\n') {
                let line = self.rest.drain(..=end).collect::<Vec<_>>();
                return Ok(JobOutput::Line(String::from_utf8_lossy(&line[..end]).into_owned()));
            }
            let mut interest = [PollFd::new(self.answers.as_fd(), PollFlags::POLLIN)];
            if wait(&mut interest, limit)? == WaitOutcome::Elapsed {
                return Ok(JobOutput::Elapsed);
            }
            if self.read_more()? == 0 {
                return Ok(JobOutput::End);
            }
        }
    }

    fn read_more(&mut self) -> Result<usize, Finding> {
        let mut buffer = [0; 16 * 1024];
        match read(&self.answers, &mut buffer) {
            Ok(length) => {
                self.rest.extend_from_slice(&buffer[..length]);
                Ok(length)
            }
            // poll(2) reported input a moment ago: ask again.
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(1),
            Err(error) => Err(Finding::broken("a job's answer", io::Error::from(error).to_string())),
        }
    }

    /// Returns the process of the job.
    pub fn instance(&mut self) -> &mut Instance {
        &mut self.instance
    }
}

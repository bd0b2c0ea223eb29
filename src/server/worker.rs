//! A process that works for this one: it is given a job on its standard input, and answers in lines on its standard
//! output. It is launched and ended like a server, and like one outlives nobody.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};
use nix::unistd::read;

use super::instance::{Given, Instance};
use super::{Conditions, LaunchError};
use crate::check::Finding;
use crate::deadline::{Waited, wait};

/// A running worker.
#[derive(Debug)]
pub struct Worker {
    instance: Instance,
    answers: OwnedFd,
    /// Open for as long as the worker is wanted.
    _orders: OwnedFd,
    /// What has been read and is not yet a line.
    rest: Vec<u8>,
}

/// What came of waiting for a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// This line, without its end.
    Line(String),
    /// The end: the worker has nothing more to say.
    End,
    /// Nothing in all that time.
    Nothing,
}

impl Worker {
    /// Launches `program` with `arguments`, gives it `job` to read, a line, and `ends` as descriptors 3, 4, …. End of file
    /// comes once nobody wants it any more.
    ///
    /// The job must fit into a pipe, 64 KiB: nobody reads it while it is written.
    ///
    /// # Errors
    /// [`LaunchError`] where the program cannot be executed.
    pub fn launch(
        program: &Path,
        arguments: &[&str],
        job: &[u8],
        ends: Vec<OwnedFd>,
    ) -> Result<Worker, LaunchError> {
        let (orders, mut tell) = os_pipe::pipe().map_err(LaunchError::Harness)?;
        let (answers, says) = os_pipe::pipe().map_err(LaunchError::Harness)?;
        tell.write_all(&[job, b"\n"].concat()).map_err(LaunchError::Harness)?;
        let answers = OwnedFd::from(answers);
        fcntl(&answers, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))
            .map_err(|error| LaunchError::Harness(error.into()))?;
        let given = Given { ends, ..Given::pipes(orders.into(), says.into()) };
        let words = arguments.iter().map(OsString::from).collect();
        let command = (program.as_os_str().to_owned(), words);
        let instance = Instance::launch(command, given, &Conditions::default())?;
        Ok(Worker { instance, answers, _orders: tell.into(), rest: Vec::new() })
    }

    /// Waits at most `limit` for its next line.
    ///
    /// # Errors
    /// Only when interrupted, or where the pipe itself fails.
    pub fn hear(&mut self, limit: Duration) -> Result<Heard, Finding> {
        loop {
            if let Some(end) = self.rest.iter().position(|&byte| byte == b'\n') {
                let line = self.rest.drain(..=end).collect::<Vec<_>>();
                return Ok(Heard::Line(String::from_utf8_lossy(&line[..end]).into_owned()));
            }
            let mut interest = [PollFd::new(self.answers.as_fd(), PollFlags::POLLIN)];
            if wait(&mut interest, limit)? == Waited::Elapsed {
                return Ok(Heard::Nothing);
            }
            if self.take_in()? == 0 {
                return Ok(Heard::End);
            }
        }
    }

    fn take_in(&mut self) -> Result<usize, Finding> {
        let mut buffer = [0; 16 * 1024];
        match read(&self.answers, &mut buffer) {
            Ok(length) => {
                self.rest.extend_from_slice(&buffer[..length]);
                Ok(length)
            }
            // Something was there a moment ago: it is asked for again.
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(1),
            Err(error) => Err(Finding::broken("a worker's answer", io::Error::from(error).to_string())),
        }
    }

    /// The process itself.
    pub fn instance(&mut self) -> &mut Instance {
        &mut self.instance
    }

    /// Ends it at once.
    pub fn end(mut self) {
        self.instance.end();
    }
}

//! Waits for a server that count no time in which the server waits for a processor.

use std::process::ExitStatus;
use std::time::Duration;

use super::{Instance, Server};
use crate::check;
use crate::deadline::{Deadlines, until};
use crate::transport::{Processes, Stopwatch};

impl Server {
    /// Starts to measure time.
    pub(crate) fn stopwatch(&self) -> Stopwatch {
        Stopwatch::start(self.process_lister(), self.deadlines())
    }

    /// Waits until the launched process exits, and returns its status. Time in which the server waits for a processor
    /// does not count towards `limit`.
    ///
    /// # Errors
    /// A broken harness if none was launched, or when interrupted.
    pub(crate) fn wait_for_exit(&mut self, limit: Duration) -> check::Result<Option<ExitStatus>> {
        let stopwatch = self.stopwatch();
        stopwatch.wait(limit, |left| Ok(self.instance()?.wait(left)))
    }

    /// Calls `look` until it returns a value, as [`until`] does. Time in which the server waits for a processor does
    /// not count towards `limit`.
    ///
    /// # Errors
    /// Those of `look`, or when interrupted.
    pub(crate) fn until<T>(
        &mut self,
        limit: Duration,
        mut look: impl FnMut(&mut Server) -> check::Result<Option<T>>,
    ) -> check::Result<Option<T>> {
        let stopwatch = self.stopwatch();
        stopwatch.wait(limit, |left| until(left, || look(self)))
    }
}

impl Instance {
    /// Starts to measure time. The work is that of this instance's processes.
    pub(crate) fn stopwatch(&self, deadlines: Deadlines) -> Stopwatch {
        Stopwatch::start(Processes::new(self.process_lister()), deadlines)
    }
}

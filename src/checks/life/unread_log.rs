//! Checks a server of many clients whose log is not read.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::steps::{check_launched_with, serve_clients};
use crate::outcome::{Level::May, Outcome};
use crate::server::{LaunchOptions, Server, Stdio};
use crate::text::count_with_noun;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/unread-log",
    level: May,
    sentence: "a server goes on serving when the pipe that it writes its log to is full",
    why: "if the reader of the log stops, as a terminal after Ctrl-S or a log collector that hangs, the service stops with it",
    citations: &["pipe(7) (capacity)", "write(2)", "fifo(7)"],
    recipe: "start the server with one pipe as standard output and standard error; serve a client; write to the pipe until it is full, and do not read it; 50 clients, one after another, exchange a message; if one is not served, read the pipe, and try again: a server that then goes on has waited for the log's reader",
    requires: Capabilities::MANY_CLIENTS.union(Capabilities::LAUNCHED),
    run,
};

/// The number of clients that are served while the log is full. A server may keep some lines in a buffer of its own.
const CLIENTS: usize = 50;

fn run(server: &mut Server) -> check::Result {
    let (mut log, end) = Log::create(server)?;
    let end = Stdio::descriptor(end);
    let stdio = [Stdio::Piped, end.clone(), end];
    let options = LaunchOptions { stdio, ..server.options() };
    check_launched_with(server, options, "with a log that is not read", |server| {
        serve_clients(server, 1)?;
        log.fill()?;
        for number in 1..=CLIENTS {
            serve_clients(server, 1).or_else(|finding| Err(log.stopped(server, number, finding)?))?;
        }
        Ok(())
    })
}

/// A pipe with a name. The harness opens it by name, so it does not share O_NONBLOCK with the server's descriptor.
struct Log {
    reader: File,
    writer: File,
}

impl Log {
    /// Makes the pipe, and returns it with the end that the server writes to.
    fn create(server: &Server) -> check::Result<(Log, File)> {
        let path = server.scratch().join("log");
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).or_broken("a named pipe for the log")?;
        let open =
            |options: &mut std::fs::OpenOptions| options.open(&path).or_broken("a named pipe for the log");
        let now = OFlag::O_NONBLOCK.bits();
        let reader = open(File::options().read(true).custom_flags(now))?;
        let writer = open(File::options().write(true).custom_flags(now))?;
        let end = open(File::options().write(true))?;
        Ok((Log { reader, writer }, end))
    }

    /// Writes until the pipe takes no more.
    fn fill(&mut self) -> check::Result {
        for piece in [4096, 1] {
            loop {
                match self.writer.write(&vec![b'.'; piece]) {
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(Finding::broken("a full pipe", error.to_string())),
                }
            }
        }
        Ok(())
    }

    /// Reads what is in the pipe, and returns its length.
    fn drain(&mut self) -> usize {
        let mut log = Vec::new();
        // The read ends with EAGAIN, because the pipe has writers.
        drop(self.reader.read_to_end(&mut log));
        log.len()
    }

    /// Returns the finding that client `number` was not served, for the reason `finding`.
    fn stopped(&mut self, server: &mut Server, number: usize, finding: Finding) -> check::Result<Finding> {
        if finding.outcome != Outcome::Timeout {
            return Ok(finding.because("the pipe of its log is full"));
        }
        let held = count_with_noun(self.drain(), "byte");
        if let Err(still) = serve_clients(server, 1) {
            return match still.outcome.is_failure() {
                true => Ok(finding.because("nor are clients served once the log has been read")),
                false => Err(still),
            };
        }
        let wanted = "clients served, although the log is not read";
        let actual = format!(
            "client {number} is not served while {held} of log lie unread, and the next one is once they are read"
        );
        Ok(Finding::info(wanted, actual)
            .because("the server waits in write(2) until its log is read")
            .because(finding.reason))
    }
}

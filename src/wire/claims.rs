//! Claims: a run of echospec announces which ports are its own, and when, to the `echospec capture` that records it.
//!
//! The recorder launches its command with the write end of a pipe as descriptor [`CLAIM_DESCRIPTOR`], and identifies
//! the pipe in the environment variable [`CLAIM_VARIABLE`]. The run writes a line before any packet can use a port,
//! and another when it releases the port. Servers do not inherit the descriptor: see
//! [`mark_descriptors_close_on_exec`](crate::sys::mark_descriptors_close_on_exec).

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind::WouldBlock, Read, Write};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::packet::Protocol;

/// The environment variable that holds the inode number of the pipe on which a command announces its ports. If
/// descriptor [`CLAIM_DESCRIPTOR`] refers to another object, nothing is written to it.
pub const CLAIM_VARIABLE: &str = "ECHOSPEC_CLAIMS";

/// The number of the descriptor of the pipe on which a command announces its ports. The number is high, so that it does
/// not collide with the descriptors of a program.
pub const CLAIM_DESCRIPTOR: RawFd = 197;

/// The claim that a port belongs to this run of echospec, as long as this value exists. A packet recorder reads the
/// claim.
#[derive(Debug)]
pub(crate) struct Claim {
    protocol: Protocol,
    port: u16,
}

impl Claim {
    pub fn new(protocol: Protocol, port: u16) -> Claim {
        announce(protocol, port, '+');
        Claim { protocol, port }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        announce(self.protocol, self.port, '-');
    }
}

/// Announces a change of a port's owner in one line to the packet recorder, if there is one. A line this short is
/// written atomically (pipe(7), `PIPE_BUF`). Errors are ignored, because they mean that the recorder has exited.
fn announce(protocol: Protocol, port: u16, change: char) {
    static RECORDER: OnceLock<Option<File>> = OnceLock::new();
    if let Some(mut pipe) = RECORDER.get_or_init(open_pipe).as_ref() {
        let protocol = if protocol == Protocol::Tcp { "tcp" } else { "udp" };
        let _ = pipe.write_all(format!("{protocol} {port} {change} {}\n", now().as_nanos()).as_bytes());
    }
}

fn open_pipe() -> Option<File> {
    let inode: u64 = std::env::var(CLAIM_VARIABLE).ok()?.parse().ok()?;
    let path = format!("/dev/fd/{CLAIM_DESCRIPTOR}");
    let is_pipe = fs::metadata(&path).is_ok_and(|found| found.ino() == inode);
    is_pipe.then(|| File::options().write(true).open(path).ok())?
}

/// Returns the current time since 1970, by the same clock with which the kernel stamps packets.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The ports that processes have claimed, as a packet recorder reads them from a pipe.
#[derive(Debug)]
pub struct ClaimedPorts {
    pipe: File,
    unread: Vec<u8>,
    spans: HashMap<(Protocol, u16), Vec<(Duration, Duration)>>,
}

impl ClaimedPorts {
    /// Makes the pipe on which a command announces its ports. Returns also the command's [`CLAIM_DESCRIPTOR`] and the
    /// value of its [`CLAIM_VARIABLE`].
    ///
    /// # Errors
    /// Those of pipe(2).
    pub fn new() -> io::Result<(ClaimedPorts, OwnedFd, String)> {
        let (reader, writer) = os_pipe::pipe()?;
        let pipe = File::from(OwnedFd::from(reader));
        fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let name = pipe.metadata()?.ino().to_string();
        Ok((ClaimedPorts { pipe, unread: Vec::new(), spans: HashMap::new() }, writer.into(), name))
    }

    /// Reads the claims of ports that are in the pipe, without waiting.
    ///
    /// # Errors
    /// Those of read(2).
    pub fn read_pending(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            match self.pipe.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => self.unread.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        while let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            self.add_line(&String::from_utf8_lossy(&line));
        }
        Ok(())
    }

    fn add_line(&mut self, line: &str) -> Option<()> {
        let mut words = line.split_ascii_whitespace();
        let protocol = if words.next()? == "tcp" { Protocol::Tcp } else { Protocol::Udp };
        let port = words.next()?.parse().ok()?;
        let (taken, at) = (words.next()? == "+", Duration::from_nanos(words.next()?.parse().ok()?));
        let spans = self.spans.entry((protocol, port)).or_default();
        match spans.last_mut() {
            Some(last) if !taken => last.1 = at,
            _ if taken => spans.push((at, Duration::MAX)),
            _ => {}
        }
        Some(())
    }

    /// Whether the port belonged to the run of echospec at the time `at`, counted from 1970.
    #[must_use]
    pub fn was_claimed_at(&self, protocol: Protocol, port: u16, at: Duration) -> bool {
        let spans = self.spans.get(&(protocol, port));
        spans.is_some_and(|spans| spans.iter().any(|(from, until)| (*from..=*until).contains(&at)))
    }

    /// Whether no claim of a port was ever read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }
}

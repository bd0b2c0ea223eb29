//! Which ports are a run's own, and when: what the run tells to whoever records it.
//!
//! A recorder hands its command the write end of a pipe, as descriptor [`NUMBER`], and names the pipe in the
//! environment. Each port is told before any packet can pass there, and again when it is given back. The descriptor
//! is not passed on to servers: [`seal_descriptors`](crate::sys::mark_descriptors_close_on_exec).

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind::WouldBlock, Read, Write};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::packet::Protocol;

/// The environment variable that holds the pipe's inode number: a descriptor that is something else by now, or in a
/// program further down, is not written to.
pub const PIPE: &str = "ECHOSPEC_CLAIMS";

/// Out of the way of all that is numbered from below.
pub const NUMBER: RawFd = 197;

/// A port that is this run's own for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Claim {
    protocol: Protocol,
    port: u16,
}

impl Claim {
    pub fn new(protocol: Protocol, port: u16) -> Claim {
        tell(protocol, port, '+');
        Claim { protocol, port }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        tell(self.protocol, self.port, '-');
    }
}

/// A line this short is written whole (pipe(7), `PIPE_BUF`). A recorder that is gone needs no news.
fn tell(protocol: Protocol, port: u16, what: char) {
    static LISTENER: OnceLock<Option<File>> = OnceLock::new();
    if let Some(mut pipe) = LISTENER.get_or_init(listener).as_ref() {
        let protocol = if protocol == Protocol::Tcp { "tcp" } else { "udp" };
        let _ = pipe.write_all(format!("{protocol} {port} {what} {}\n", now().as_nanos()).as_bytes());
    }
}

fn listener() -> Option<File> {
    let inode: u64 = std::env::var(PIPE).ok()?.parse().ok()?;
    let path = format!("/dev/fd/{NUMBER}");
    let is_it = fs::metadata(&path).is_ok_and(|found| found.ino() == inode);
    is_it.then(|| File::options().write(true).open(path).ok())?
}

/// The clock that packets are stamped by.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// What a recorder has been told.
#[derive(Debug)]
pub struct Claims {
    pipe: File,
    unread: Vec<u8>,
    told: HashMap<(Protocol, u16), Vec<(Duration, Duration)>>,
}

impl Claims {
    /// With the descriptor that goes to the command as [`NUMBER`], and what goes into its environment as [`PIPE`].
    ///
    /// # Errors
    /// Those of `pipe(2)`.
    pub fn new() -> io::Result<(Claims, OwnedFd, String)> {
        let (reader, writer) = os_pipe::pipe()?;
        let pipe = File::from(OwnedFd::from(reader));
        fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let name = pipe.metadata()?.ino().to_string();
        Ok((Claims { pipe, unread: Vec::new(), told: HashMap::new() }, writer.into(), name))
    }

    /// Takes in what has been told so far, without waiting.
    ///
    /// # Errors
    /// Those of `read(2)`.
    pub fn hear(&mut self) -> io::Result<()> {
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
            self.note(&String::from_utf8_lossy(&line));
        }
        Ok(())
    }

    fn note(&mut self, line: &str) -> Option<()> {
        let mut words = line.split_ascii_whitespace();
        let protocol = if words.next()? == "tcp" { Protocol::Tcp } else { Protocol::Udp };
        let port = words.next()?.parse().ok()?;
        let (taken, at) = (words.next()? == "+", Duration::from_nanos(words.next()?.parse().ok()?));
        let spans = self.told.entry((protocol, port)).or_default();
        match spans.last_mut() {
            Some(last) if !taken => last.1 = at,
            _ if taken => spans.push((at, Duration::MAX)),
            _ => {}
        }
        Some(())
    }

    /// Whether the port was the run's own at that time since 1970.
    #[must_use]
    pub fn cover(&self, protocol: Protocol, port: u16, at: Duration) -> bool {
        let spans = self.told.get(&(protocol, port));
        spans.is_some_and(|spans| spans.iter().any(|(from, until)| (*from..=*until).contains(&at)))
    }

    /// Whether nothing was ever told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }
}

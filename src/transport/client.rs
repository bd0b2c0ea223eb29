//! A client of a byte stream: every step it takes is bounded, verified and counted.

use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};

use super::due::Due;
use super::{HangDiagnosis, Link};
use crate::check::{self, Finding, OrFinding};
use crate::deadline::{Deadlines, Waited, wait};
use crate::payload::KIB;
use crate::text::{count, excerpt};
use crate::trace::{Visit, Way};

/// What one read takes at most.
const READ: usize = 256 * KIB;

/// One client of a stream server.
///
/// No call blocks for longer than the progress deadline after the last byte moved.
#[derive(Debug)]
pub struct Client {
    pub(super) link: Link,
    pub(super) deadlines: Deadlines,
    witness: HangDiagnosis,
    buffer: Box<[u8]>,
    inbox: Vec<u8>,
    pub(super) sent: usize,
    received: usize,
    ended: bool,
    pub(super) visit: Visit,
}

/// What moved in one step.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Step {
    pub(super) wrote: usize,
    /// False if nothing became ready in time.
    pub(super) moved: bool,
}

impl Client {
    pub(crate) fn new(link: Link, deadlines: Deadlines) -> Client {
        Client {
            visit: Visit::begins(&whence(&link)),
            link,
            deadlines,
            witness: HangDiagnosis::silent(),
            buffer: vec![0; READ].into(),
            inbox: Vec::new(),
            sent: 0,
            received: 0,
            ended: false,
        }
    }

    /// Has `witness` asked whenever nothing moves any more.
    pub(crate) fn with_diagnosis(self, witness: HangDiagnosis) -> Client {
        Client { witness, ..self }
    }

    /// The conversation itself.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// The client's own address and port.
    ///
    /// # Errors
    /// A broken harness where this is no internet socket.
    pub fn local_address(&self) -> check::Result<SocketAddr> {
        self.link
            .as_socket()
            .and_then(|socket| socket.local_addr().ok()?.as_socket())
            .ok_or_else(|| Finding::broken("the client's address", "getsockname(2) gave none"))
    }

    /// Sends all of `bytes`; what comes back meanwhile is kept for [`expect`](Client::expect).
    ///
    /// # Errors
    /// A failure where the server closes, a timeout where it stops reading.
    pub fn send(&mut self, bytes: &[u8]) -> check::Result {
        let mut rest = bytes;
        while !rest.is_empty() {
            let step = self.step(rest, true)?;
            self.insist(step, || format!("{} read by the server", count(bytes.len(), "byte")))?;
            rest = &rest[step.wrote..];
        }
        Ok(())
    }

    /// Sends `bytes` and verifies their echo at the same time, so that no buffer needs to hold them all.
    ///
    /// # Errors
    /// A failure at the first byte that differs or where the stream ends early; a timeout where nothing
    /// moves any more.
    pub fn exchange(&mut self, bytes: &[u8]) -> check::Result {
        let mut rest = bytes;
        let mut due = Due::new(bytes);
        while !due.met(&mut self.inbox)? || !rest.is_empty() {
            self.still_open(&due)?;
            let step = self.step(rest, true)?;
            self.insist(step, || due.wanted())?;
            rest = &rest[step.wrote..];
        }
        Ok(())
    }

    /// Waits for exactly these bytes, no matter in how many pieces they come.
    ///
    /// # Errors
    /// As [`exchange`](Client::exchange).
    pub fn expect(&mut self, bytes: &[u8]) -> check::Result {
        let mut due = Due::new(bytes);
        while !due.met(&mut self.inbox)? {
            self.still_open(&due)?;
            let step = self.step(&[], true)?;
            self.insist(step, || due.wanted())?;
        }
        Ok(())
    }

    /// As [`exchange`](Client::exchange), but content, once all is sent, with what comes back before a silence of
    /// `lull`; answers how many bytes did.
    ///
    /// # Errors
    /// As [`exchange`](Client::exchange), but for that silence.
    pub fn exchange_until(&mut self, bytes: &[u8], lull: Duration) -> check::Result<usize> {
        self.converse(bytes, Due::new(bytes), lull)
    }

    /// As [`expect`](Client::expect), but content with what comes before a silence of `lull`; answers how many
    /// bytes did.
    ///
    /// # Errors
    /// As [`expect`](Client::expect), but for that silence.
    pub fn expect_until(&mut self, bytes: &[u8], lull: Duration) -> check::Result<usize> {
        self.converse(&[], Due::new(bytes), lull)
    }

    fn converse(&mut self, mut rest: &[u8], mut due: Due<'_>, lull: Duration) -> check::Result<usize> {
        while !due.met(&mut self.inbox)? || !rest.is_empty() {
            if rest.is_empty() && !self.hears_within(lull)? {
                break;
            }
            self.still_open(&due)?;
            let step = self.step(rest, true)?;
            self.insist(step, || due.wanted())?;
            rest = &rest[step.wrote..];
        }
        Ok(due.so_far())
    }

    /// Waits for the end of the stream, and for nothing else.
    ///
    /// # Errors
    /// A failure where more bytes come or the connection is reset; a timeout where it stays open.
    pub fn expect_eof(&mut self) -> check::Result {
        loop {
            if !self.inbox.is_empty() {
                let finding = Finding::fail("end of file, and nothing more", excerpt(&self.inbox));
                return Err(finding.about_echo());
            }
            if self.ended {
                return Ok(());
            }
            let step = self.step(&[], true)?;
            self.insist(step, || "end of file".into())?;
        }
    }

    /// Everything that comes before the end of the stream.
    ///
    /// # Errors
    /// A failure where the connection is reset, or more comes than was sent and 256 KiB; a timeout where it stays
    /// open.
    pub fn rest(&mut self) -> check::Result<Vec<u8>> {
        while !self.ended {
            let step = self.step(&[], true)?;
            self.insist(step, || "end of file".into())?;
        }
        Ok(std::mem::take(&mut self.inbox))
    }

    /// Ends the client's direction: the server reads end of file, and can still send. shutdown(2).
    ///
    /// # Errors
    /// A broken harness where the system refuses.
    pub fn shut_down_write(&mut self) -> check::Result {
        self.visit.note("ends its direction");
        self.link.shut_down_write().or_broken("a half-closed connection")
    }

    /// Whether anything (a byte, the end) can be read within `limit`; nothing is taken.
    ///
    /// # Errors
    /// Only when interrupted.
    pub fn hears_within(&mut self, limit: Duration) -> check::Result<bool> {
        if !self.inbox.is_empty() || self.ended {
            return Ok(true);
        }
        Ok(self.poll(&[], true, limit)?.0)
    }

    /// How many bytes have come back, whether they were due or not.
    #[must_use]
    pub fn received(&self) -> usize {
        self.received
    }

    /// What has moved so far, for reports.
    #[must_use]
    pub fn tally(&self) -> String {
        format!("{} sent, {} came back", count(self.sent, "byte"), count(self.received, "byte"))
    }

    fn insist(&self, step: Step, wanted: impl FnOnce() -> String) -> check::Result {
        if step.moved {
            return Ok(());
        }
        let waited = self.deadlines.no_progress().as_secs_f64();
        let actual = format!("{}, then nothing for {waited} s", self.tally());
        Err(Finding::timeout(wanted(), actual).about_echo().because((self.witness.0)()))
    }

    fn still_open(&self, due: &Due<'_>) -> check::Result {
        if !self.ended {
            return Ok(());
        }
        Err(Finding::fail(due.wanted(), format!("end of file after {}", self.tally())).about_echo())
    }

    fn step(&mut self, outgoing: &[u8], reading: bool) -> check::Result<Step> {
        let ready = self.poll(outgoing, reading && !self.ended, self.deadlines.no_progress())?;
        self.move_bytes(outgoing, ready)
    }

    /// Waits until the link can be read, or written if there is something to write.
    pub(super) fn poll(
        &self,
        outgoing: &[u8],
        reading: bool,
        limit: Duration,
    ) -> check::Result<(bool, bool)> {
        let writer = self.link.writer().filter(|_| !outgoing.is_empty());
        let mut interest: Vec<PollFd<'_>> = Vec::with_capacity(2);
        if reading {
            interest.push(PollFd::new(self.link.reader(), PollFlags::POLLIN));
        }
        if let Some(writer) = writer {
            interest.push(PollFd::new(writer, PollFlags::POLLOUT));
        }
        if wait(&mut interest, limit)? == Waited::Elapsed {
            return Ok((false, false));
        }
        let ready = |entry: &PollFd<'_>| entry.any().unwrap_or(true);
        let readable = reading && interest.first().is_some_and(ready);
        let writable = writer.is_some() && interest.last().is_some_and(ready);
        Ok((readable, writable))
    }

    pub(super) fn move_bytes(
        &mut self,
        outgoing: &[u8],
        (readable, writable): (bool, bool),
    ) -> check::Result<Step> {
        let mut step = Step { moved: readable || writable, ..Step::default() };
        if readable {
            self.take_in()?;
        }
        if writable {
            step.wrote = self.give(outgoing)?;
        }
        Ok(step)
    }

    fn take_in(&mut self) -> check::Result {
        // An echo returns no more than was sent: a server that sends without end must not fill our memory.
        if self.received > self.sent + READ {
            let excess = self.inbox.len().saturating_sub(24);
            let actual = format!("{}, the last of them {}", self.tally(), excerpt(&self.inbox[excess..]));
            return Err(Finding::fail("no more bytes than were sent", actual).about_echo());
        }
        match self.link.read(&mut self.buffer) {
            Ok(0) => {
                self.visit.note("receives end of file");
                self.ended = true;
            }
            Ok(number) => {
                self.visit.transfer(Way::Received, &self.buffer[..number]);
                self.received += number;
                self.inbox.extend_from_slice(&self.buffer[..number]);
            }
            Err(error) if is_transient(&error) => {}
            Err(error) => return Err(self.lost(&error)),
        }
        Ok(())
    }

    fn give(&mut self, outgoing: &[u8]) -> check::Result<usize> {
        match self.link.write(outgoing) {
            Ok(number) => {
                self.visit.transfer(Way::Sent, &outgoing[..number]);
                self.sent += number;
                Ok(number)
            }
            Err(error) if is_transient(&error) => Ok(0),
            Err(error) => Err(self.lost(&error)),
        }
    }

    fn lost(&self, error: &io::Error) -> Finding {
        self.visit.note(format_args!("is told: {error}"));
        let what = match error.kind() {
            io::ErrorKind::ConnectionReset => "the connection was reset".into(),
            io::ErrorKind::BrokenPipe => "the server had closed it".into(),
            _ => error.to_string(),
        };
        Finding::fail("an open conversation", format!("{what} after {}", self.tally())).about_echo()
    }

    /// The end to poll for what comes back.
    #[must_use]
    pub fn reader(&self) -> BorrowedFd<'_> {
        self.link.reader()
    }
}

/// Where a client comes from, if it has an address.
pub(super) fn whence(link: &Link) -> String {
    let local = link.as_socket().and_then(|socket| socket.local_addr().ok()?.as_socket());
    local.map(|address| format!(" from {address}")).unwrap_or_default()
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

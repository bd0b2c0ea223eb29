//! Records what a thread sees: latencies by interval, and errors by kind.

use std::io;
use std::sync::mpsc::Sender;
use std::time::Duration;

use hdrhistogram::Histogram;
use nix::libc;

/// Returns an empty histogram of latencies in nanoseconds, exact to three digits. It grows with the values: a small one
/// is cheap to make and to merge.
pub(super) fn new_histogram() -> Histogram<u64> {
    // Cannot fail: three digits are valid.
    Histogram::new(3).unwrap_or_else(|_| unreachable!("three digits are valid"))
}

/// Returns an empty histogram with room for values as long as those of `former`.
fn new_histogram_like(former: &Histogram<u64>) -> Histogram<u64> {
    let mut histogram = Histogram::new_with_max(former.high(), 3).unwrap_or_else(|_| new_histogram());
    histogram.auto(true);
    histogram
}

/// The reason why an exchange or a connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The server refused the connection.
    Refused,
    /// The server reset the connection.
    Reset,
    /// The connection or the reply did not come in time.
    TimedOut,
    /// A byte of the reply was wrong, or bytes came that no request asked for.
    WrongReply,
    /// The server closed the connection before the reply was complete.
    EndOfFile,
    /// A system call failed for another reason.
    Other,
}

impl ErrorKind {
    /// All kinds of errors.
    pub const ALL: [ErrorKind; 6] = [
        ErrorKind::Refused,
        ErrorKind::Reset,
        ErrorKind::TimedOut,
        ErrorKind::WrongReply,
        ErrorKind::EndOfFile,
        ErrorKind::Other,
    ];

    /// Returns the kind's name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Refused => "refused",
            ErrorKind::Reset => "reset",
            ErrorKind::TimedOut => "timed_out",
            ErrorKind::WrongReply => "wrong_reply",
            ErrorKind::EndOfFile => "end_of_file",
            ErrorKind::Other => "other",
        }
    }

    /// Returns the kind in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            ErrorKind::Refused => "connections refused",
            ErrorKind::Reset => "connections reset",
            ErrorKind::TimedOut => "timed out",
            ErrorKind::WrongReply => "replies wrong",
            ErrorKind::EndOfFile => "connections closed before the reply",
            ErrorKind::Other => "other errors",
        }
    }

    /// Returns the kind of an error of a socket.
    pub(super) fn of(error: &io::Error) -> ErrorKind {
        match error.raw_os_error() {
            // A Unix domain socket whose server has gone is not there, or refuses.
            Some(libc::ECONNREFUSED | libc::ENOENT) => ErrorKind::Refused,
            Some(libc::ECONNRESET | libc::EPIPE | libc::ECONNABORTED) => ErrorKind::Reset,
            Some(libc::ETIMEDOUT) => ErrorKind::TimedOut,
            _ => ErrorKind::Other,
        }
    }
}

/// The errors of one kind: how many there were, and the first in words.
#[derive(Debug, Clone, Default)]
pub struct ErrorCount {
    /// The number of errors of this kind.
    pub count: u64,
    /// The first error of this kind.
    pub first: Option<String>,
}

/// The errors by kind, in the order of [`ErrorKind::ALL`].
#[derive(Debug, Clone, Default)]
pub struct Errors([ErrorCount; ErrorKind::ALL.len()]);

impl Errors {
    /// Counts an error. Calls `text` only for the first one of its kind.
    pub(super) fn add(&mut self, kind: ErrorKind, text: impl FnOnce() -> String) {
        let entry = &mut self.0[kind as usize];
        entry.count += 1;
        entry.first.get_or_insert_with(text);
    }

    /// Adds the errors of another thread.
    pub(super) fn merge(&mut self, other: Errors) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            mine.count += theirs.count;
            mine.first = mine.first.take().or(theirs.first);
        }
    }

    /// Returns the errors of one kind.
    #[must_use]
    pub fn of(&self, kind: ErrorKind) -> &ErrorCount {
        &self.0[kind as usize]
    }

    /// Returns the number of all errors.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().map(|entry| entry.count).sum()
    }
}

/// The latencies of one thread in one interval of the run.
#[derive(Debug)]
pub(super) struct Interval {
    /// The number of the interval, counted from the beginning of the measurement.
    pub number: usize,
    pub latencies: Histogram<u64>,
    pub replies: u64,
    pub bytes: u64,
}

/// Collects the latencies of one thread, and hands them on at the end of each interval.
#[derive(Debug)]
pub(super) struct Recorder {
    current: Interval,
    interval: u64,
    sender: Sender<Interval>,
}

impl Recorder {
    pub fn new(interval: Duration, sender: Sender<Interval>) -> Recorder {
        let interval = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
        let current = Interval { number: 0, latencies: new_histogram(), replies: 0, bytes: 0 };
        Recorder { current, interval, sender }
    }

    /// Records a verified reply of `bytes` bytes.
    #[inline]
    pub fn reply(&mut self, latency: u64, bytes: usize) {
        self.current.replies += 1;
        self.current.bytes += bytes as u64;
        // Cannot fail: the histogram grows.
        let _ = self.current.latencies.record(latency);
    }

    /// Records a request that got no correct reply within `waited` nanoseconds.
    pub fn no_reply(&mut self, waited: u64) {
        let _ = self.current.latencies.record(waited);
    }

    /// Hands on the current interval, if it has ended at `elapsed` nanoseconds after the beginning of the measurement.
    pub fn advance(&mut self, elapsed: u64) {
        let number = usize::try_from(elapsed / self.interval).unwrap_or(usize::MAX);
        if number > self.current.number {
            self.hand_on(number);
        }
    }

    /// Hands on the current interval, and begins the one with this number.
    pub fn hand_on(&mut self, next: usize) {
        let latencies = new_histogram_like(&self.current.latencies);
        let ended =
            std::mem::replace(&mut self.current, Interval { number: next, latencies, replies: 0, bytes: 0 });
        // Fails only if the run has ended.
        let _ = self.sender.send(ended);
    }
}

//! The output of a server: drained all the time, so that the server never blocks, and kept in part for reports.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::text::printable;

/// The number of bytes that are kept from the beginning of a process's output, and from its end.
const KEPT: usize = 16 * 1024;

/// The output that a process prints to one or two streams. A thread per stream reads until the last write end is
/// closed.
#[derive(Debug, Clone, Default)]
pub struct Output {
    shared: Arc<(Mutex<Kept>, Condvar)>,
}

#[derive(Debug, Default)]
struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
    open: usize,
}

impl Output {
    /// Starts to drain `stream` into this output.
    ///
    /// # Errors
    /// Those of pthread_create(3).
    pub(in crate::server) fn drain(&self, stream: OwnedFd) -> io::Result<()> {
        self.lock().open += 1;
        let output = self.clone();
        let drained = thread::Builder::new().name("output".into()).spawn(move || {
            let mut stream = File::from(stream);
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                output.keep(&buffer[..length]);
            }
            output.change(|kept| kept.open -= 1);
        });
        drained.map(drop).inspect_err(|_| self.change(|kept| kept.open -= 1))
    }

    /// Adds bytes that the caller has read.
    pub(crate) fn keep(&self, bytes: &[u8]) {
        self.change(|kept| kept.keep(bytes));
    }

    /// Returns the kept output as text. Control characters are escaped, and the middle of a long output is left out.
    #[must_use]
    pub fn text(&self) -> String {
        let kept = self.lock();
        let tail: Vec<u8> = kept.tail.iter().copied().collect();
        let left_out = kept.total - (kept.head.len() + tail.len()) as u64;
        let mut text = printable(&String::from_utf8_lossy(&kept.head));
        if left_out > 0 {
            text.push_str(&format!("\n… {left_out} bytes left out …\n"));
        }
        text.push_str(&printable(&String::from_utf8_lossy(&tail)));
        text
    }

    /// Returns the last `number` lines of [`text`](Output::text). Long lines are cut: a server may print data without
    /// any newline.
    #[must_use]
    pub fn last_lines(&self, number: usize) -> Vec<String> {
        let text = self.text();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(number)..].iter().map(|line| cut(line)).collect()
    }

    /// Returns the last `number` lines for a report. If they are the end of a backtrace, the message above it takes the
    /// place of some.
    #[must_use]
    pub(in crate::server) fn lines_for_report(&self, number: usize) -> Vec<String> {
        lines_for_report(&self.text(), number)
    }

    /// Whether a complete line within the kept beginning of the output contains `text`.
    #[must_use]
    pub fn has_line_with(&self, text: &str) -> bool {
        let kept = self.lock();
        let end = kept.head.iter().rposition(|&byte| byte == b'\n').unwrap_or(0);
        String::from_utf8_lossy(&kept.head[..end]).lines().any(|line| line.contains(text))
    }

    /// Waits at most `limit` for more output of the process or the end of a stream.
    pub(in crate::server) fn wait(&self, limit: Duration) {
        let kept = self.lock();
        let (seen, open) = (kept.total, kept.open);
        let changed = |kept: &mut Kept| kept.total == seen && kept.open == open;
        drop(self.shared.1.wait_timeout_while(kept, limit, changed));
    }

    /// Waits until no process holds a write end of the output's streams. Returns false if one still does after `limit`.
    pub(crate) fn wait_closed(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.lock().open > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            self.wait(left);
        }
        true
    }

    fn change(&self, change: impl FnOnce(&mut Kept)) {
        change(&mut self.lock());
        self.shared.1.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn keep(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let (first, rest) = bytes.split_at(bytes.len().min(KEPT - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..surplus);
    }
}

/// The maximum number of characters of one output line that a report shows.
const LONGEST: usize = 200;

fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Parts of the line with which a program announces that it fails, before its backtrace: Rust, Go, Java.
const BEFORE_BACKTRACE: [&str; 3] = ["panicked at", "panic: ", "Exception in thread"];

/// The number of lines of a message above a backtrace that a report shows.
const MESSAGE: usize = 3;

fn lines_for_report(text: &str, number: usize) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.len().saturating_sub(number);
    let announces = |line: &&str| BEFORE_BACKTRACE.iter().any(|words| line.contains(words));
    let (Some(at), true) = (lines[..start].iter().rposition(announces), number > 2 * MESSAGE) else {
        return lines[start..].iter().map(|line| cut(line)).collect();
    };
    let (end, resumed) = ((at + MESSAGE).min(start), start + MESSAGE + 1);
    let left_out = format!("… {} lines …", resumed - end);
    let shown = lines[at..end].iter().map(|line| cut(line)).chain([left_out]);
    shown.chain(lines[resumed..].iter().map(|line| cut(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_a_long_line_between_characters() {
        let long = "é".repeat(LONGEST);
        assert_eq!(cut(&long), long);
        assert_eq!(cut(&format!("{long}é")), format!("{long}…"));
    }

    #[test]
    fn keeps_only_the_ends_of_a_flood() {
        let (reader, writer) = os_pipe::pipe().unwrap();
        let output = Output::default();
        output.drain(reader.into()).unwrap();
        let mut writer = File::from(OwnedFd::from(writer));
        io::Write::write_all(&mut writer, &[b'x'; 1_000_000]).unwrap();
        io::Write::write_all(&mut writer, b"\nlast line\n").unwrap();
        drop(writer);
        assert!(output.wait_closed(Duration::from_secs(10)));
        assert!(output.text().len() < 3 * KEPT);
        assert_eq!(output.last_lines(1), ["last line"]);
    }
    #[test]
    fn message_above_a_long_backtrace_is_shown() {
        let frames: Vec<_> = (0..20).map(|number| format!("  {number}: frame")).collect();
        let text = format!("ready\nthread 'main' panicked at x.rs:1:2:\nno address\n{}", frames.join("\n"));
        let shown = lines_for_report(&text, 12);
        assert_eq!(shown.len(), 12);
        assert_eq!(&shown[..2], ["thread 'main' panicked at x.rs:1:2:", "no address"]);
        assert_eq!((&*shown[3], &*shown[4], &*shown[11]), ("… 11 lines …", "  12: frame", "  19: frame"));
        assert_eq!(lines_for_report("thread 'main' panicked at x.rs:1:2:\nno address", 12).len(), 2);
    }
}
